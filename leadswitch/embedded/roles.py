"""The roles of the embedded PostgreSQL: the product's role owns its database and is not a superuser, as in production.

It may create databases: tests and benches do.
"""

from pathlib import Path

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
ROLE = "leadswitch"
DATABASE = "leadswitch"

# REASSIGN OWNED does not work for the first role of a cluster. Sequences of columns follow their tables.
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
    """Create the role and its database in a running cluster unless they exist."""
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
    """In a cluster of an earlier version the product used the first role, which is always a superuser.

    Rename that role to the superuser's name and create a plain role in its place. An interrupted run is resumed at the
    next start: the rename is in the transaction that creates the plain role.
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
