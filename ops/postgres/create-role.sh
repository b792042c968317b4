#!/bin/sh
# Run once by the image of PostgreSQL, when it has made an empty cluster: the product gets a plain role that owns its
# database, and the superuser loses the password, so that it is reached from inside the container alone.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE leadswitch LOGIN PASSWORD :'password';
CREATE DATABASE leadswitch OWNER leadswitch;
ALTER ROLE postgres PASSWORD NULL;
SQL
