"""Row locks of distribution.

Order: lead (routing.locks.attempts) -> its offer -> deliveries of a sale -> wallet, then enrollment, of each candidate
-> inserts. The locks of offers are where offers are: attempts.close_offer, offers.places, deliveries.bidding.
Candidates are locked in rank order with SKIP LOCKED, so no transaction waits while it holds one. A transaction that
must wait for candidates does so before it locks any other, by ascending wallet. So no deadlock is possible.

The wallet comes first because leads of several campaigns compete for it. An enrollment that was locked before its busy
wallet would stay locked until the commit, and its buyer would look busy. `OF w, e` gives this order.
"""

from collections.abc import Sequence
from typing import Final

from django.db import OperationalError, connection

from distribution.sql_arrays import array_literal
from tracing.locks import is_lock_timeout

# NO KEY UPDATE: an assignment or ledger entry that another transaction inserts takes KEY SHARE on these rows.
# A plain FOR UPDATE would leave such a buyer out and report a false "no eligible buyers".
# The sub-select hides the list's length from the planner, which would otherwise plan again for every lead.
LOCK_CANDIDATES: Final = """
SELECT e.id
FROM unnest((SELECT %s::bigint[])) WITH ORDINALITY AS wanted(id, place)
JOIN distribution_enrollment e ON e.id = wanted.id AND e.archived_at IS NULL
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
ORDER BY wanted.place
LIMIT %s
FOR NO KEY UPDATE OF w, e SKIP LOCKED
"""


def lock_candidates(enrollment_ids: Sequence[int], *, count: int) -> frozenset[int]:
    """Lock the first `count` free ones of these enrollments, with their wallets, in the order given. Returns their ids.

    Needs the lead's lock. An earlier decision must be confirmed by a new statement after this one, because rows may
    change between this statement's snapshot and its lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_CANDIDATES, [array_literal(enrollment_ids), count])
        return frozenset(enrollment_id for (enrollment_id,) in cursor.fetchall())


# By wallet: a buyer has one wallet for all campaigns, so two campaigns wait in the same order.
WAIT_FOR_CANDIDATES: Final = """
SELECT e.id
FROM distribution_enrollment e
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
WHERE e.id = ANY(%s) AND e.archived_at IS NULL
ORDER BY w.id
FOR NO KEY UPDATE OF w, e
"""
# A lead holds its buyers for some milliseconds. A buyer held for longer than this is skipped.
LONGEST_WAIT_MS: Final = 250


def wait_for_candidates(enrollment_ids: Sequence[int]) -> frozenset[int] | None:
    """Wait for these enrollments with their wallets, for LONGEST_WAIT_MS each. Returns those that exist.

    None: they were not free in time, and the transaction is aborted. Needs the lead's lock, and no lock on another
    candidate.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LONGEST_WAIT_MS}ms"])
        try:
            cursor.execute(WAIT_FOR_CANDIDATES, [list(enrollment_ids)])
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            return None
        found = frozenset(enrollment_id for (enrollment_id,) in cursor.fetchall())
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return found


# Archived rows too: a new enrollment of the same buyer waits for their lock, or the next statement sees it.
LOCK_PLACES: Final = """
SELECT e.id
FROM distribution_enrollment e
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
WHERE e.campaign_id = %s AND e.buyer_id = %s
ORDER BY e.id
FOR NO KEY UPDATE OF w, e
"""
LOCK_RETURN: Final = """
SELECT e.id
FROM distribution_enrollment e
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
WHERE e.campaign_id = %s AND e.buyer_id = %s
ORDER BY e.archived_at IS NULL DESC, e.id DESC
LIMIT 1
FOR NO KEY UPDATE OF w, e
"""


def lock_for_return(*, campaign_id: int, buyer_id: int) -> int | None:
    """Wait for a buyer's place in a campaign and its wallet. Needs the lead's lock.

    Returns the enrollment whose counters hold its sales: the live one, or the one archived last. None: it was deleted
    before the database archived enrollments.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_PLACES, [campaign_id, buyer_id])
        cursor.execute(LOCK_RETURN, [campaign_id, buyer_id])
        row: tuple[int] | None = cursor.fetchone()
    return row[0] if row else None


# A deliverer that writes results locks deliveries in this order too.
LOCK_DELIVERIES: Final = """
SELECT id FROM distribution_delivery WHERE assignment_id = %s ORDER BY id FOR NO KEY UPDATE
"""


def lock_deliveries_of(assignment_id: int) -> None:
    """Wait for all messages of a sale, so that none is claimed and no retry is scheduled while the sale is taken back.

    Needs the lead's lock. The locks of the wallet and the enrollment come after it.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_DELIVERIES, [assignment_id])


WAIT_FOR_WALLET: Final = "SELECT id FROM distribution_wallet WHERE buyer_id = %s FOR NO KEY UPDATE"


def wait_for_wallet(buyer_id: int) -> None:
    """Wait for one buyer's wallet. Needs an open transaction; a lead's lock, if needed at all, comes before it."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_WALLET, [buyer_id])


WAIT_FOR_SOURCE: Final = "SELECT id FROM routing_source WHERE id = %s FOR NO KEY UPDATE"
# It conflicts with the KEY SHARE of a lead's foreign key.
KEEP_LEADS_OUT: Final = "SELECT id FROM routing_source WHERE id = %s FOR UPDATE"


def wait_for_source(source_id: int) -> None:
    """Serialize payments and adjustments of one source. Its leads and sales do not wait. Needs an open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_SOURCE, [source_id])


def keep_leads_out(source_id: int) -> None:
    """Wait for one source, and let no lead of it be stored until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP_LEADS_OUT, [source_id])


# Any fixed number that no other advisory lock uses.
SETUP_LOCK: Final = 0x5E70_F11E
LOCK_SETUP: Final = "SELECT pg_advisory_xact_lock(%s)"


def lock_setup() -> None:
    """Serialize runs of `manage.py setup`, so that the second run sees the rows of the first."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SETUP, [SETUP_LOCK])


LOCK_BUYERS: Final = """
SELECT id FROM distribution_buyer WHERE workspace_id = %s AND name = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""


def lock_buyers(names: Sequence[str], *, workspace_id: int) -> None:
    """Lock these buyers of a workspace before any campaign, because a change of a buyer locks them in this order.

    For a transaction that enrolls several. A single enrollment locks its buyer by itself (decisions/0039).
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_BUYERS, [workspace_id, list(names)])


# No rows exist yet that could be locked. Sorted, so that two transactions wait in the same order.
LOCK_TEXTS: Final = "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%s::text[]) AS key"


def lock_texts(*texts: str) -> None:
    """Hold these texts until the transaction ends. Needs one. Others that name one of them wait."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_TEXTS, [sorted(texts)])
