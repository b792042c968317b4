#!/usr/bin/env bash
# Install Debian's PostgreSQL, PgBouncer, nginx and jq for the tests that need them, as root through apt. Only CI calls this: a
# developer's machine gets no server without being asked.
set -euo pipefail

is_there() {
  command -v pgbouncer >/dev/null && command -v nginx >/dev/null && command -v openssl >/dev/null &&
    command -v jq >/dev/null &&
    compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null
}

PATH=$PATH:/usr/sbin
if is_there; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need servers of the machine. On Debian: sudo apt-get install postgresql pgbouncer nginx-light openssl jq" >&2
  exit 1
fi
# The package would make a cluster of its own and start it.
mkdir -p /etc/postgresql-common
grep -qs create_main_cluster /etc/postgresql-common/createcluster.conf ||
  echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --quiet --quiet --yes --no-install-recommends postgresql pgbouncer nginx-light openssl jq >/dev/null
