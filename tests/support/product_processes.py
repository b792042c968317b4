"""Runs the product's own processes against the test database."""

import os
from urllib.parse import quote

from django.db import connection


def child_environment(**changes: str) -> dict[str, str]:
    """The environment of a process that uses the database of the test that starts it. Needs committed rows."""
    return {**os.environ, "DATABASE_URL": make_database_url(), **changes}


def make_database_url() -> str:
    values = connection.settings_dict
    host = quote(str(values["HOST"]), safe="")
    port = f":{values['PORT']}" if values["PORT"] else ""
    user = quote(str(values["USER"]), safe="")
    password = f":{quote(str(values['PASSWORD']), safe='')}" if values["PASSWORD"] else ""
    return f"postgres://{user}{password}@{host}{port}/{values['NAME']}"
