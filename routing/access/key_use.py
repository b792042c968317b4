"""Notes when an API key was used, to the minute, so that a person sees whether a program still needs it."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, connection

from routing.models import ScopedKey
from routing.postgres_errors import REFUSED_WRITES, note_refusal

logger = logging.getLogger(__name__)

PRECISION: Final = timedelta(minutes=1)
# Many requests see the old time when a minute is over. One of them writes, and none of them waits for it.
NOTE: Final = """
UPDATE {table} SET last_used_at = %(at)s WHERE id = (
    SELECT id FROM {table}
    WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s)
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


def note_use(key: ScopedKey, *, at: datetime) -> None:
    """Write at most once a minute. Outside the transaction of the request, whose work it must not delay or fail."""
    if (key.last_used_at is not None and key.last_used_at > at - PRECISION) or REFUSED_WRITES.is_open:
        return
    values: dict[str, datetime | str] = {"at": at, "id": key.id, "before": at - PRECISION}
    try:
        with connection.cursor() as cursor:
            cursor.execute(NOTE.format(table=key._meta.db_table), values)
    except (DatabaseError, InterfaceError) as error:
        note_refusal(error)
        logger.warning("routing.key_use_not_noted", extra={"cause": type(error).__name__})
