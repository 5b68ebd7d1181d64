#!/bin/sh
# Makes the passwords that the containers know each other by, in the folder $1, unless they are there already.
set -eu
# The volume is in none but the containers that need it, and each of them runs as a user of its own.
umask 022
cd "$1"

random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# By a rename, which is there whole or not at all: a machine may stop at any moment.
keep() {
    cat > "$1.new"
    mv "$1.new" "$1"
}

[ -s postgres-password ] || random | keep postgres-password
[ -s database-url ] || printf 'postgres://sheaf:%s@postgres/sheaf' "$(cat postgres-password)" | keep database-url

[ -s redis-password ] || random | keep redis-password
[ -s redis-url ] || printf 'redis://:%s@redis' "$(cat redis-password)" | keep redis-url
# Nothing is written to a disk, and what is waiting to be heard never takes all the memory.
[ -s redis.conf ] || keep redis.conf <<END
requirepass $(cat redis-password)
save ""
appendonly no
maxmemory 128mb
maxmemory-policy noeviction
dir /data
END
