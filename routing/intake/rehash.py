"""Computes identities again where the way to compute them has changed. Done in batches, each a short transaction.

After a new LEADSWITCH_IDENTITY_KEY these are all leads. Otherwise they are those whose address has an internationalized
domain, or whose number is Mexican or Argentine. Any number of runs give the same, so one may be cut short, and repeated
once no process of an earlier version takes leads in.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db import connection, transaction

from routing.intake.identity import identify

IDS_A_BATCH: Final = 20_000

LAST: Final = "SELECT COALESCE(max(id), 0) FROM routing_lead"
# By ranges of the primary key: each batch reads a bounded number of rows. Two runs lock them in one order.
_FIND: Final = """
SELECT id, email, phone, email_hash, phone_hash FROM routing_lead
WHERE id > %s AND id <= %s AND (email <> '' OR phone <> '')
"""
FIND_ALL: Final = f"{_FIND} ORDER BY id"
FIND: Final = (
    rf"{_FIND} AND (email ~ '[^\x01-\x7f]' OR phone LIKE '+521%%' OR phone LIKE '+549%%') ORDER BY id"
)
UPDATE: Final = """
UPDATE routing_lead SET email_hash = %s, phone_hash = %s WHERE id = %s AND email = %s AND phone = %s
"""


def rehash_identities(
    *, is_dry_run: bool = False, is_new_key: bool = False, ids_a_batch: int = IDS_A_BATCH
) -> int:
    """Return how many leads got, or would get, another identity. Looks at those that are there at the start."""
    batches = _read_batches(FIND_ALL if is_new_key else FIND, ids_a_batch=ids_a_batch)
    return sum(_rehash(batch, is_dry_run=is_dry_run) for batch in batches)


def _read_batches(find: str, *, ids_a_batch: int) -> Iterator[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(LAST)
        [last] = cursor.fetchone()
    for start in range(0, last, ids_a_batch):
        with connection.cursor() as cursor:
            cursor.execute(find, [start, start + ids_a_batch])
            yield cursor.fetchall()


def _rehash(rows: Sequence[Any], *, is_dry_run: bool) -> int:
    changed: list[tuple[Any, ...]] = []
    for lead_id, email, phone, *stored in rows:
        identity = identify(email=email, phone=phone)
        if [*identity] != stored:
            changed.append((*identity, lead_id, email, phone))
    if changed and not is_dry_run:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(UPDATE, changed)
    return len(changed)
