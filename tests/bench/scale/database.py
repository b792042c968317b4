"""The database of the history: the bench fills an empty one or reuses its own, and touches no other."""

from collections.abc import Callable
from typing import Final

from django.apps import apps
from django.db import connection, transaction

from routing.models import Lead, Workspace
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
    if Workspace.objects.exclude(slug__startswith=PREFIX).exists():
        message = (
            "the database has workspaces that this bench did not make: point DATABASE_URL or LEADSWITCH_VAR_DIR"
            " elsewhere"
        )
        raise NotOurs(message)
    if not is_fresh and has_history(size):
        on_progress("the history of an earlier run")
        return
    empty()
    multiply(build_world(size, on_progress=on_progress), size, on_progress=on_progress)


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
