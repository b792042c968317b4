"""Row locks of distribution.

Order: lead (routing.locks) -> enrollment and wallet of the candidates, in rank order -> inserts. Candidates are
taken with SKIP LOCKED, so nobody waits while holding one, and no order of theirs can deadlock.
"""

from collections.abc import Sequence
from typing import Final

from django.db import connection

# NO KEY UPDATE OF e, w: an assignment or ledger entry that another transaction inserts takes KEY SHARE on these rows.
# A plain FOR UPDATE would leave such a buyer out and report a false "no eligible buyers".
# The sub-select hides the length of the list from the planner, which otherwise plans anew for every lead.
LOCK_CANDIDATES: Final = """
SELECT e.id
FROM unnest((SELECT %s::bigint[])) WITH ORDINALITY AS wanted(id, place)
JOIN distribution_enrollment e ON e.id = wanted.id
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
ORDER BY wanted.place
FOR NO KEY UPDATE OF e, w SKIP LOCKED
"""


def lock_candidates(enrollment_ids: Sequence[int]) -> frozenset[int]:
    """Lock these enrollments with their wallets, in the order given. Returns the ids that were free.

    Needs the lead's lock. What was decided before must be confirmed in a new statement after it: the rows that this
    statement returned may have changed between its snapshot and its lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_CANDIDATES, [list(enrollment_ids)])
        return frozenset(row[0] for row in cursor.fetchall())


LOCK_RETURN: Final = """
SELECT e.id
FROM distribution_enrollment e
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
WHERE e.id = %s
FOR NO KEY UPDATE OF e, w
"""


def lock_for_return(enrollment_id: int) -> None:
    """Wait for one enrollment and its wallet. Needs the lead's lock."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_RETURN, [enrollment_id])
