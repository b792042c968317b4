"""Locks on what operators switch: the pauses of the product and of workspaces, and the routing rules."""

from datetime import datetime
from typing import Final

from django.db import OperationalError, connection, transaction

from routing.models.rule_triggers import RULES_LOCK
from tracing.locks import is_lock_timeout

WAIT_FOR_SWITCH: Final = "SELECT paused_at FROM routing_workspace WHERE id = %s FOR NO KEY UPDATE"
WAIT_FOR_PRODUCT_SWITCH: Final = (
    "SELECT paused_at FROM routing_dispatchcontrol WHERE id = 1 FOR NO KEY UPDATE"
)


def wait_for_switch(workspace_id: int | None) -> datetime | None:
    """Lock the row of the workspace (None: the product), waiting up to lock_timeout for a concurrent pause or resume.

    Returns since when it is paused. Raises LookupError when there is no such row.
    """
    with connection.cursor() as cursor:
        if workspace_id is None:
            cursor.execute(WAIT_FOR_PRODUCT_SWITCH)
        else:
            cursor.execute(WAIT_FOR_SWITCH, [workspace_id])
        row: tuple[datetime | None] | None = cursor.fetchone()
    if row is None:
        message = f"there is no workspace {workspace_id}"
        raise LookupError(message)
    return row[0]


LOCK_RULES: Final = "SELECT pg_advisory_xact_lock(%s)"


def lock_rules() -> None:
    """Lock all routing rules against changes until the transaction ends, waiting up to lock_timeout.

    The triggers of routing_rule take the same lock before any of its rows. Attempts never take it.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_RULES, [RULES_LOCK])


def try_lock_rules() -> bool:
    """As lock_rules. False if another transaction holds the lock past lock_timeout; this one stays usable."""
    try:
        with transaction.atomic():
            lock_rules()
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        return False
    return True
