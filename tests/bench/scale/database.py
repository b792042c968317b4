"""The database of the history: the bench fills an empty one or reuses its own, and touches no other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections, transaction

from routing.models import Lead, Workspace
from tests.bench.database import create_database
from tests.bench.scale.fill import multiply
from tests.bench.scale.size import Size
from tests.bench.scale.world import PREFIX, build_world

OURS: Final = ("tracing", "distribution", "routing")


class NotOurs(Exception):
    """The database has rows that the bench did not make."""


def prepare(size: Size, *, is_fresh: bool, on_progress: Callable[[str], None]) -> None:
    """Make sure that the database has the history. Raises NotOurs.

    An existing history is reused if it has the right size. A database with only samples is left from an aborted run.
    """
    refuse_other_rows()
    if not is_fresh and has_history(size):
        on_progress("the history of an earlier run")
        return
    empty()
    multiply(build_world(size, on_progress=on_progress), size, on_progress=on_progress)


def refuse_other_rows() -> None:
    """Raises NotOurs."""
    if Workspace.objects.exclude(slug__startswith=PREFIX).exists():
        message = (
            "the database has workspaces that this bench did not make: point DATABASE_URL or LEADSWITCH_VAR_DIR"
            " elsewhere"
        )
        raise NotOurs(message)


@contextmanager
def separate_database(suffix: str) -> Iterator[None]:
    """Use another, migrated database of the same server, and the configured one again afterwards.

    It is made if it is missing, and kept.
    """
    name = connection.settings_dict["NAME"]
    other = f"{name}{suffix}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [other])
        is_made = cursor.fetchone()[0]
    if not is_made:
        create_database(other)
    _connect_to(other)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        _connect_to(name)


def _connect_to(name: str) -> None:
    for each in connections.all():
        each.close()
        each.settings_dict["NAME"] = name


def has_history(size: Size) -> bool:
    """Rounding makes slightly more or fewer leads than requested."""
    leads = Lead.objects.count()
    return 0.9 * size.leads <= leads <= 1.1 * size.leads + 100 * size.workspaces and leads > 0


def empty() -> None:
    """The owner of append-only tables is allowed to disable their triggers."""
    tables = [
        connection.ops.quote_name(model._meta.db_table)
        for model in apps.get_models()
        if model._meta.app_label in OURS and not model._meta.proxy
    ]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        for switch in ("DISABLE", "ENABLE"):
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} {switch} TRIGGER USER")
            if switch == "DISABLE":
                cursor.execute(f"TRUNCATE {', '.join(tables)}")
