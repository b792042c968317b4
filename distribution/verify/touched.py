"""Finds what an incremental run checks: all rows touched since the last run in which the check was clean.

A row is touched if its `xmin`, the transaction that wrote its current version, had not ended in that run's database
snapshot. Its id, its writer and the time of its commit do not matter. A lead, a delivery, a wallet, or a pair of
campaign and buyer with a touched row is checked again in full. The trace is append-only, so only its rows from the day
before that snapshot on are tested by `xmin`. A row that was deleted in spite of the triggers leaves no trace: only the
full run finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution.models import VerifyWatermark
from distribution.verify.database_snapshot import DatabaseSnapshot
from distribution.verify.invariants import INVARIANTS
from distribution.verify.slices import Slice, SliceKind, attempt_floor, slice_ids

# Above this, a full run is as fast and needs less memory.
MAX_TOUCHED: Final = 200_000
# Only half of all transaction ids can be compared with each other. Subtract a margin for a long run.
OLDEST_WATERMARK: Final = 2**31 - 100_000_000
TRACE_MARGIN: Final = timedelta(days=1)

CLUSTER: Final = "SELECT system_identifier FROM pg_control_system()"
# Not older than the watermark. Ids wrap around; frozen rows keep an id that is far behind.
IS_TOUCHED: Final = "age({}.xmin) <= age(%(watermark)s::xid)"


def _touched(table: str) -> str:
    return IS_TOUCHED.format(table)


LEADS: Final = f"""
SELECT id FROM routing_lead l WHERE {_touched("l")}
UNION SELECT d.lead_id FROM distribution_assignment d WHERE {_touched("d")}
UNION SELECT a.lead_id FROM tracing_attempt a WHERE a.id >= %(floor)s AND {_touched("a")}
UNION SELECT e.lead_id FROM tracing_leaddistributionevent e WHERE e.attempt_id >= %(floor)s AND {_touched("e")}
UNION SELECT d.lead_id FROM distribution_ledgerentry e JOIN distribution_assignment d ON d.id = e.assignment_id
    WHERE {_touched("e")}
UNION SELECT r.lead_id FROM distribution_returnrequest r WHERE {_touched("r")}
UNION SELECT r.lead_id FROM distribution_ledgerentry e JOIN distribution_returnrequest r ON r.refund_id = e.id
    WHERE {_touched("e")}
UNION SELECT p.lead_id FROM distribution_payableentry p WHERE p.lead_id IS NOT NULL AND {_touched("p")}
UNION SELECT y.lead_id FROM distribution_delivery y WHERE y.lead_id IS NOT NULL AND {_touched("y")}
UNION SELECT o.lead_id FROM distribution_offer o WHERE {_touched("o")}
UNION SELECT o.lead_id FROM distribution_offerbuyer b JOIN distribution_offer o ON o.id = b.offer_id
    WHERE {_touched("b")}
UNION SELECT v.lead_id FROM distribution_verification v WHERE {_touched("v")}
UNION SELECT c.lead_id FROM distribution_call c WHERE c.lead_id IS NOT NULL AND {_touched("c")}
"""  # noqa: S608 - only conditions are put in

# Every attempt of a touched lead, and attempts whose trace or sale was touched although their lead was not.
ATTEMPTS: Final = f"""
SELECT id FROM tracing_attempt WHERE lead_id = ANY(%(leads)s)
UNION SELECT a.id FROM tracing_attempt a WHERE a.id >= %(floor)s AND {_touched("a")}
UNION SELECT e.attempt_id FROM tracing_leaddistributionevent e WHERE e.attempt_id >= %(floor)s AND {_touched("e")}
UNION SELECT d.attempt_id FROM distribution_assignment d WHERE d.lead_id = ANY(%(leads)s)
"""  # noqa: S608 - only conditions are put in

DELIVERIES: Final = f"""
SELECT y.id FROM distribution_delivery y WHERE {_touched("y")}
UNION SELECT t.delivery_id FROM distribution_deliverytry t WHERE {_touched("t")}
"""  # noqa: S608 - only conditions are put in

WALLETS: Final = f"""
SELECT w.id FROM distribution_wallet w WHERE {_touched("w")}
UNION SELECT e.wallet_id FROM distribution_ledgerentry e WHERE {_touched("e")}
UNION SELECT e.wallet_id FROM distribution_ledgerentry e JOIN distribution_assignment d ON d.id = e.assignment_id
    WHERE {_touched("d")}
UNION SELECT w.id FROM distribution_assignment d JOIN distribution_wallet w ON w.buyer_id = d.buyer_id
    WHERE {_touched("d")}
UNION SELECT s.wallet_id FROM distribution_buyerstatement s WHERE {_touched("s")}
"""  # noqa: S608 - only conditions are put in

CAMPAIGN_BUYERS: Final = f"""
SELECT e.campaign_id, e.buyer_id FROM distribution_enrollment e WHERE {_touched("e")}
UNION SELECT d.campaign_id, d.buyer_id FROM distribution_assignment d WHERE {_touched("d")}
"""  # noqa: S608 - only conditions are put in


@dataclass(frozen=True, slots=True)
class Touched:
    leads: tuple[int, ...]
    attempts: tuple[UUID, ...]
    deliveries: tuple[int, ...]
    wallets: tuple[int, ...]
    campaign_buyers: tuple[tuple[int, int], ...]

    def slices(self, at: datetime) -> Mapping[SliceKind, Sequence[Slice]]:
        return {
            SliceKind.LEADS: slice_ids(SliceKind.LEADS, self.leads, at=at),
            SliceKind.ATTEMPTS: slice_ids(SliceKind.ATTEMPTS, self.attempts, at=at),
            SliceKind.DELIVERIES: slice_ids(SliceKind.DELIVERIES, self.deliveries, at=at),
            # Checks over all wallets and buyers run in any case.
            SliceKind.WALLETS: [Slice(at, ids=self.wallets)],
            SliceKind.CAMPAIGN_BUYERS: slice_ids(SliceKind.CAMPAIGN_BUYERS, self.campaign_buyers, at=at),
        }


def find_slices(snapshot: DatabaseSnapshot) -> dict[str, Mapping[SliceKind, Sequence[Slice]]]:
    """Return the slices by check. A check that must check everything is missing. Needs the snapshot to be open."""
    known: dict[int, Mapping[SliceKind, Sequence[Slice]] | None] = {}
    found: dict[str, Mapping[SliceKind, Sequence[Slice]]] = {}
    for name, mark in _read_watermarks(snapshot).items():
        if mark.transaction_id not in known:
            touched = _find_touched(mark)
            known[mark.transaction_id] = None if touched is None else touched.slices(snapshot.at)
        slices = known[mark.transaction_id]
        if slices is not None:
            found[name] = slices
    return found


def store_watermarks(snapshot: DatabaseSnapshot, clean: Sequence[str]) -> None:
    """Store the watermark of these checks. If two runs end at the same time, either watermark is correct."""
    cluster = _read_cluster()
    VerifyWatermark.objects.bulk_create(
        [
            VerifyWatermark(
                check_name=name, transaction_id=snapshot.oldest, cluster=cluster, read_at=snapshot.at
            )
            for name in clean
        ],
        update_conflicts=True,
        unique_fields=["check_name"],
        update_fields=["transaction_id", "cluster", "read_at"],
    )


def _read_watermarks(snapshot: DatabaseSnapshot) -> dict[str, VerifyWatermark]:
    usable = VerifyWatermark.objects.filter(
        cluster=_read_cluster(),
        check_name__in=[invariant.name for invariant in INVARIANTS],
        transaction_id__gt=snapshot.next - OLDEST_WATERMARK,
        transaction_id__lte=snapshot.next,
    )
    return {mark.check_name: mark for mark in usable}


def _read_cluster() -> int:
    with connection.cursor() as cursor:
        cursor.execute(CLUSTER)
        return int(cursor.fetchone()[0])


def _find_touched(mark: VerifyWatermark) -> Touched | None:
    """Return None if more than MAX_TOUCHED rows were touched."""
    given = {
        "watermark": str(mark.transaction_id % 2**32),
        "floor": attempt_floor(mark.read_at - TRACE_MARGIN),
    }
    leads = _ids(LEADS, given)
    if leads is None:
        return None
    attempts = _ids(ATTEMPTS, {**given, "leads": list(leads)})
    deliveries = _ids(DELIVERIES, given)
    wallets = _ids(WALLETS, given)
    if attempts is None or deliveries is None or wallets is None:
        return None
    pairs = tuple((campaign_id, buyer_id) for campaign_id, buyer_id in _rows(CAMPAIGN_BUYERS, given))
    return Touched(leads, attempts, deliveries, wallets, pairs)


def _ids(sql: str, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
    rows = _rows(f"SELECT id FROM ({sql}) AS touched(id) LIMIT {MAX_TOUCHED + 1}", given)  # noqa: S608 - constants only
    return None if len(rows) > MAX_TOUCHED else tuple(sorted(row_id for (row_id,) in rows))


def _rows(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
