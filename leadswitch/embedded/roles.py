"""The roles of the embedded PostgreSQL: the product's own owns its database and is no superuser, as in production.

It may create databases, which tests and benches do.
"""

from pathlib import Path

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
ROLE = "leadswitch"
DATABASE = "leadswitch"

# Owned by the first role of a cluster, what the product made cannot be reassigned as a whole. Sequences of columns go
# with their tables.
GIVE_OBJECTS = """
DO $$
DECLARE command text;
BEGIN
    FOR command IN
        SELECT format('ALTER TABLE %s OWNER TO leadswitch', c.oid::regclass) FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND (c.relkind IN ('r', 'p', 'v', 'm') OR c.relkind = 'S'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')))
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO leadswitch', p.oid::regprocedure) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
    LOOP
        EXECUTE command;
    END LOOP;
END $$
"""


def ensure_database(sockets: Path) -> None:
    """Have the role and its database in a running cluster."""
    if not _answers_to(SUPERUSER, sockets):
        _separate_superuser(sockets)
    with _connect(SUPERUSER, sockets) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            connection.execute(_ddl("CREATE ROLE {} LOGIN CREATEDB", ROLE))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(_ddl("CREATE DATABASE {} OWNER {}", DATABASE, ROLE))


def _answers_to(role: str, sockets: Path) -> bool:
    try:
        _connect(role, sockets).close()
    except psycopg.OperationalError:
        return False
    return True


def _separate_superuser(sockets: Path) -> None:
    """A cluster of an earlier version: its first role, which always is a superuser, was the product's own.

    That one gets the superuser's name, and a plain role takes its place. Any step may be the last: the next start
    goes on from there, because the superuser's name comes in the transaction that makes the plain role.
    """
    helper = "leadswitch_upgrade"
    with _connect(ROLE, sockets) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [helper]).fetchone() is None:
            connection.execute(_ddl("CREATE ROLE {} LOGIN SUPERUSER", helper))
    with _connect(helper, sockets, database=DATABASE) as connection, connection.transaction():
        connection.execute(_ddl("ALTER ROLE {} RENAME TO {}", ROLE, SUPERUSER))
        connection.execute(_ddl("CREATE ROLE {} LOGIN CREATEDB", ROLE))
        connection.execute(_ddl("ALTER DATABASE {} OWNER TO {}", DATABASE, ROLE))
        connection.execute(GIVE_OBJECTS)
    with _connect(SUPERUSER, sockets) as connection:
        connection.execute(_ddl("DROP ROLE {}", helper))


def _connect(role: str, sockets: Path, *, database: str = "postgres") -> "psycopg.Connection":
    return psycopg.connect(host=str(sockets), user=role, dbname=database, autocommit=True)


def _ddl(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))
