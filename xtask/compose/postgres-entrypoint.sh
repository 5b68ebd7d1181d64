#!/bin/sh
# Starts PostgreSQL in a stand-in image by the words that its usual image knows: POSTGRES_USER, POSTGRES_DB,
# POSTGRES_PASSWORD_FILE and POSTGRES_INITDB_ARGS.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # Several words, or none.
    # shellcheck disable=SC2086
    initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust \
        --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 $POSTGRES_INITDB_ARGS
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    # Only by the socket, so that nobody takes it for the real one.
    pg_ctl --wait start --options="-c listen_addresses=''"
    createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --wait --mode=fast stop
fi
exec "$@" -c listen_addresses='*'
