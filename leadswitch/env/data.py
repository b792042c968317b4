"""Variables that say where the data is, and of the servers that come with an embedded installation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leadswitch.embedded.paths import ServerPrograms
from leadswitch.env.parse import (
    REPOSITORY,
    parse_bool,
    parse_directory,
    parse_postgres_url,
    parse_program,
    parse_program_dir,
    parse_redis_url,
    parse_text,
)
from leadswitch.env.variable import Derived, Section, Variable

ENV_FILE: Final = "LEADSWITCH_ENV_FILE"


@dataclass(frozen=True, slots=True)
class Locations:
    """Where the data is. An empty URL means the embedded server under `var_dir`."""

    var_dir: Path
    database_url: str
    redis_url: str
    embedded_fsync: bool
    programs: ServerPrograms

    @property
    def is_embedded(self) -> bool:
        return not (self.database_url and self.redis_url)


class DataStores(Section):
    TITLE = "Where the data is. Leave out both URLs to use the embedded PostgreSQL and Redis under var/."

    database_url = Variable(
        "DATABASE_URL",
        parse_postgres_url,
        default="",
        example="postgres://leadswitch:secret@127.0.0.1:5432/leadswitch",
        help="PostgreSQL, which holds all data.",
    )
    redis_url = Variable(
        "REDIS_URL",
        parse_redis_url,
        default="",
        example="redis://127.0.0.1:6379/0",
        help="Redis or Valkey. What it holds is rebuilt from PostgreSQL.",
    )
    is_pgbouncer = Variable(
        "LEADSWITCH_PGBOUNCER",
        parse_bool,
        default=False,
        help=(
            "Set to true if DATABASE_URL points to PgBouncer in transaction mode: the database role"
            " then has the limits of a session, no cursor stays open and nothing is prepared"
            " (docs/pgbouncer.md)."
        ),
    )
    is_prepared = Variable(
        "LEADSWITCH_PREPARE",
        parse_bool,
        default=Derived(lambda environment: not environment.is_pgbouncer),
        example="true",
        help=(
            "Use prepared statements. Default: true, but false behind PgBouncer (1.21 or newer"
            " supports it: max_prepared_statements)."
        ),
    )
    is_superuser_allowed = Variable(
        "LEADSWITCH_ALLOW_SUPERUSER",
        parse_bool,
        default=False,
        help="Start even if the database role is a superuser, who can change append-only tables.",
    )


class EmbeddedServers(Section):
    TITLE = "Embedded servers and local files"

    var_dir = Variable(
        "LEADSWITCH_VAR_DIR",
        parse_directory,
        default=REPOSITORY / "var",
        example="var",
        help="Data, secrets and logs. Relative paths start at the repository.",
    )
    embedded_fsync = Variable(
        "LEADSWITCH_EMBEDDED_FSYNC",
        parse_bool,
        default=True,
        help=(
            "If false, the embedded database does not wait for the disk, and a power failure may"
            " destroy it. For tests."
        ),
    )
    embedded_postgres = Variable(
        "LEADSWITCH_EMBEDDED_POSTGRES",
        parse_program_dir,
        default="",
        example="/usr/lib/postgresql/15/bin",
        help=(
            "The directory of the PostgreSQL programs (15 to 18) to run instead of those that come"
            " with the requirements. They cannot read data of another PostgreSQL version: set another"
            " var directory."
        ),
    )
    embedded_redis = Variable(
        "LEADSWITCH_EMBEDDED_REDIS",
        parse_program,
        default="",
        example="/usr/bin/valkey-server",
        help="The redis-server or valkey-server to run instead of the one that comes with the requirements.",
    )
    env_file = Variable(
        ENV_FILE,
        parse_text,
        default="",
        help="Another file to read instead of .env; empty reads none. Only in the process environment.",
    )


class Places(DataStores, EmbeddedServers):
    """What the command that starts and stops the servers needs."""

    @property
    def locations(self) -> Locations:
        return Locations(
            var_dir=self.var_dir,
            database_url=self.database_url,
            redis_url=self.redis_url,
            embedded_fsync=self.embedded_fsync,
            programs=ServerPrograms(postgres_dir=self.embedded_postgres, redis=self.embedded_redis),
        )
