# Stand-ins for the images that docker-compose.yml and the Dockerfile name, for machines that reach Debian's packages and
# no registry of images. Each has the same programs, users, folders and words to start with as the image it stands for.
# `cargo xtask test compose` builds them from a `debian:bookworm-slim` that it makes with debootstrap.

FROM debian:bookworm-slim AS debian
RUN apt-get update -qq

FROM debian AS rust
RUN apt-get install -qq -y --no-install-recommends ca-certificates gcc libc6-dev

FROM debian AS node
# What the Dockerfile copies from it; a prebuilt program needs neither.
RUN mkdir -p /usr/local/lib/node_modules && touch /usr/local/bin/node

FROM debian AS postgres
RUN groupadd --system --gid 999 postgres \
    && useradd --system --gid postgres --uid 999 --home-dir /var/lib/postgresql postgres \
    && apt-get install -qq -y --no-install-recommends postgresql \
    && rm -rf /var/lib/postgresql \
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql /var/lib/postgresql/data /run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["sh", "/usr/local/bin/docker-entrypoint.sh"]
STOPSIGNAL SIGINT
CMD ["postgres"]

FROM debian AS redis
RUN groupadd --system --gid 999 redis \
    && useradd --system --gid redis --uid 999 redis \
    && apt-get install -qq -y --no-install-recommends redis-server \
    && install -d -o redis -g redis /data
VOLUME /data
WORKDIR /data
CMD ["redis-server"]

FROM debian AS caddy
RUN apt-get install -qq -y --no-install-recommends caddy wget libcap2-bin \
    && setcap cap_net_bind_service=+ep /usr/bin/caddy \
    && mkdir -p /config/caddy /data/caddy /etc/caddy
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
