"""The database aliases of Django, by the kind of process."""

from typing import Final

from leadswitch.database.limits import startup_options
from leadswitch.env.urls import postgres_settings

# For each address of the server.
CONNECT_SECONDS: Final = 5
EXPORTER_CONNECT_SECONDS: Final = 2  # the shortest that psycopg has


def make_databases(
    url: str, *, role: str, is_prepared: bool, is_pgbouncer: bool
) -> dict[str, dict[str, object]]:
    """The setting DATABASES: the same database twice, each with a connection of its own.

    `verdict` is the connection on which the outcome of a rolled back transaction is written: a nested atomic() on the
    default connection would roll back with it.
    """
    return {
        alias: _describe(url, role=role, is_prepared=is_prepared, is_pgbouncer=is_pgbouncer)
        for alias in ("default", "verdict")
    }


def _describe(url: str, *, role: str, is_prepared: bool, is_pgbouncer: bool) -> dict[str, object]:
    is_exporter = role == "exporter"
    settings = postgres_settings(url)
    given = settings.get("OPTIONS")
    options: dict[str, object] = {
        "server_side_binding": True,
        # A stored plan is as old as its session. The exporter reads seldom, so it plans with the current statistics.
        "prepare_threshold": 5 if is_prepared and not is_exporter else None,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"leadswitch-{role}",
    }
    if not is_pgbouncer:  # behind it the role has the limits
        options["options"] = startup_options(role)
    # A pass of the exporter has five seconds, and cannot be ended while it connects. So the URL does not change this.
    fixed = {"connect_timeout": EXPORTER_CONNECT_SECONDS} if is_exporter else {}
    return {
        **settings,
        "ENGINE": "leadswitch.postgres",
        "OPTIONS": {**options, **(given if isinstance(given, dict) else {}), **fixed},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": is_pgbouncer,
    }
