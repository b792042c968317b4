"""A database of its own that is migrated to an older state, filled with old rows, and migrated on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.postgres import database_url
from leadswitch.embedded.roles import DATABASE, ROLE
from leadswitch.env import REPOSITORY
from tests.conftest import VAR_DIR, WORKER
from tests.support.superuser import superuser_url
from tests.support.warm.started import run_python


@dataclass(frozen=True, slots=True)
class OldDatabase:
    url: str
    superuser_url: str

    def migrate(self, *target: str) -> None:
        """To the newest state, or `target`: an app and a migration."""
        command = ("manage.py", "migrate", "--verbosity", "0", *target)
        done = run_python(*command, cwd=REPOSITORY, env={**os.environ, "DATABASE_URL": self.url})
        assert done.returncode == 0, done.stderr

    def rows(self, sql: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def add(self, *statements: LiteralString) -> None:
        """Insert rows without triggers and foreign keys: only the tables of a test need rows."""
        with psycopg.connect(self.superuser_url) as connection:
            connection.execute("SET session_replication_role = replica")
            for each in statements:
                connection.execute(each)


@contextmanager
def old_database() -> Iterator[OldDatabase]:
    """An empty database on the test server."""
    name = f"old_{WORKER}"
    paths = ServicePaths.of(VAR_DIR)
    with psycopg.connect(superuser_url(paths), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} OWNER {ROLE}")
        yield OldDatabase(*(at(paths).removesuffix(DATABASE) + name for at in (database_url, superuser_url)))
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
