"""A database of this run with all migrations applied. Others are copied from it: applying them takes six seconds.

The first worker that needs a database makes it. No other run uses it, so it is never older than the migrations.
"""

import os
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from django.db import connection, connections
from django.test.utils import setup_databases
from psycopg import sql

from leadswitch.embedded.paths import ServicePaths, exclusive_lock
from leadswitch.embedded.roles import ROLE
from tests.support.superuser import superuser_url

PREFIX: Final = "migrated_"
# xdist gives the workers of one run the same id.
TEMPLATE: Final = f"{PREFIX}{os.environ.get('PYTEST_XDIST_TESTRUNUID') or uuid4().hex}"
OLDER: Final = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"


def set_up_databases(var_dir: Path, *, verbosity: int, keepdb: bool) -> list[Any]:
    """Make the test databases as Django does. One worker at a time: the others copy what the first has made."""
    paths = ServicePaths.of(var_dir)
    with exclusive_lock(paths), psycopg.connect(superuser_url(paths), autocommit=True) as server:
        is_made = server.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).rowcount > 0
        if is_made:
            connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE
        databases = setup_databases(verbosity=verbosity, interactive=False, keepdb=keepdb)
        if not is_made:
            connections.close_all()
            _save(server, source=connection.settings_dict["NAME"])
    return databases


def _save(server: "psycopg.Connection[Any]", *, source: str) -> None:
    """Copy the database, in place of the copies of earlier runs."""
    for (name,) in server.execute(OLDER, [PREFIX]).fetchall():
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    names = [sql.Identifier(name) for name in (TEMPLATE, source, ROLE)]
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(*names))
