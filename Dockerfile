# The program in an image of its own: nothing in it but `sheaf`, the C library, and the list of certificate authorities.
#
#   docker build --tag sheaf .
#
# The first build takes as long as `cargo xtask build` on a new machine. What it fetched and compiled is kept in the
# builder's caches, so the next one compiles only what has changed.

# Where the program comes from: `built` here from source, or `prebuilt` by `cargo xtask build` on this machine (which
# must then be a Linux with a C library that is not newer than the one of Debian 12).
ARG PROGRAM=built

FROM rust:1-bookworm AS tools
COPY --from=node:22-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:22-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && rustup target add wasm32-unknown-unknown

FROM tools AS built
ENV SHEAF_TOOLS=/tools
WORKDIR /sheaf
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.npm \
    --mount=type=cache,target=/tools \
    --mount=type=cache,target=/sheaf/target \
    cargo xtask build && cp target/release/sheaf /usr/local/bin/sheaf

FROM scratch AS prebuilt
COPY target/release/sheaf /usr/local/bin/sheaf

FROM ${PROGRAM} AS program

# Everything the program asks the system for, in one folder.
FROM rust:1-bookworm AS gathered
COPY --from=program /usr/local/bin/sheaf /usr/local/bin/sheaf
RUN mkdir -p /image/etc/ssl/certs /image/data /image/tmp \
    && ldd /usr/local/bin/sheaf | grep -o '/[^ ]*' | xargs cp --dereference --parents --target-directory=/image \
    && cp --parents /usr/local/bin/sheaf /image \
    && cp --dereference /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && printf 'hosts: files dns\n' > /image/etc/nsswitch.conf \
    && printf 'sheaf:x:10001:10001::/:/\n' > /image/etc/passwd \
    && printf 'sheaf:x:10001:\n' > /image/etc/group \
    && chmod 1777 /image/tmp && chmod 700 /image/data && chown 10001:10001 /image/data

FROM scratch
COPY --from=gathered /image /
USER 10001:10001
# In a container, only what is published is reached from outside. Until there is an account it serves the page to make the first
# one, and nothing else.
ENV SHEAF_LISTEN=0.0.0.0:8080 SHEAF_DATA_DIR=/data
EXPOSE 8080
# Nothing is written anywhere else, so the rest of the file system may be read-only.
VOLUME /data
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["/usr/local/bin/sheaf", "ready"]
ENTRYPOINT ["/usr/local/bin/sheaf"]
CMD ["serve"]
