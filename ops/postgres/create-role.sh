#!/bin/sh
# The PostgreSQL image runs this once, after it created an empty cluster. The product gets a plain role that owns its
# database. The superuser loses the password, so that it is reachable only from inside the container.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE leadswitch LOGIN PASSWORD :'password';
CREATE DATABASE leadswitch OWNER leadswitch;
ALTER ROLE postgres PASSWORD NULL;
SQL
