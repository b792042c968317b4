"""Locks on rows that an admin page changes."""

from typing import Any, Final

from django.db import OperationalError, transaction
from django.db.models import Model, QuerySet

LOCK_NOT_AVAILABLE: Final = "55P03"
DEADLOCK: Final = "40P01"


def is_lock_timeout(error: BaseException) -> bool:
    """Whether the session's lock_timeout ended the statement."""
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE


def is_lock_conflict(error: BaseException) -> bool:
    """As is_lock_timeout, or a deadlock: the same request may succeed a moment later."""
    return is_lock_timeout(error) or getattr(error.__cause__, "sqlstate", None) == DEADLOCK


def for_change(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows as a query that locks them. Foreign key checks of other transactions do not wait for them."""
    return rows.select_for_update(no_key=True, of=("self",))


def lock_rows(rows: QuerySet[Any]) -> bool:
    """Lock these rows by ascending id until the transaction ends. Needs one.

    Returns False if another transaction holds one of them past lock_timeout; this transaction stays usable.
    """
    plain: QuerySet[Model] = rows.select_related(None).order_by("pk").only("pk")
    try:
        with transaction.atomic():
            list(for_change(plain))
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        return False
    return True
