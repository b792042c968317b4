"""What an incremental run looks at: all that was touched since the last run that found a check clean.

A row is touched when its present version was written by a transaction that had not ended in that run's picture, which
its `xmin` says. Its id, its writer and the time of its commit do not matter. Of a lead, wallet or place of a buyer
with a touched row everything is checked again. The trace is append-only, so of it only the rows of the last day before
that picture are asked for their `xmin`. A row that was deleted past the triggers leaves nothing to find: that is for
the full run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution.models import VerifyWatermark
from distribution.verify.invariants import INVARIANTS
from distribution.verify.picture import Picture
from distribution.verify.slices import Slice, SliceKind, attempt_floor, slice_ids

# More than that are checked as fast by a full run, in less memory.
MOST_TOUCHED: Final = 200_000
# Half of the ids there are can be compared with each other; less what a run may take.
OLDEST_WATERMARK: Final = 2**31 - 100_000_000
TRACE_MARGIN: Final = timedelta(days=1)

CLUSTER: Final = "SELECT system_identifier FROM pg_control_system()"
# Not older than the watermark. Ids wrap around; frozen rows keep theirs, which is far behind.
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
"""  # noqa: S608 - only conditions are put in

# Every attempt of a touched lead, and those that the trace or a sale names without a lead of theirs being touched.
ATTEMPTS: Final = f"""
SELECT id FROM tracing_attempt WHERE lead_id = ANY(%(leads)s)
UNION SELECT a.id FROM tracing_attempt a WHERE a.id >= %(floor)s AND {_touched("a")}
UNION SELECT e.attempt_id FROM tracing_leaddistributionevent e WHERE e.attempt_id >= %(floor)s AND {_touched("e")}
UNION SELECT d.attempt_id FROM distribution_assignment d WHERE d.lead_id = ANY(%(leads)s)
"""  # noqa: S608 - only conditions are put in

WALLETS: Final = f"""
SELECT w.id FROM distribution_wallet w WHERE {_touched("w")}
UNION SELECT e.wallet_id FROM distribution_ledgerentry e WHERE {_touched("e")}
UNION SELECT e.wallet_id FROM distribution_ledgerentry e JOIN distribution_assignment d ON d.id = e.assignment_id
    WHERE {_touched("d")}
"""  # noqa: S608 - only conditions are put in

PLACES: Final = f"""
SELECT e.campaign_id, e.buyer_id FROM distribution_enrollment e WHERE {_touched("e")}
UNION SELECT d.campaign_id, d.buyer_id FROM distribution_assignment d WHERE {_touched("d")}
"""  # noqa: S608 - only conditions are put in


@dataclass(frozen=True, slots=True)
class Touched:
    leads: tuple[int, ...]
    attempts: tuple[UUID, ...]
    wallets: tuple[int, ...]
    places: tuple[tuple[int, int], ...]

    def slices(self, at: datetime) -> Mapping[SliceKind, Sequence[Slice]]:
        return {
            SliceKind.LEADS: slice_ids(SliceKind.LEADS, self.leads, at=at),
            SliceKind.ATTEMPTS: slice_ids(SliceKind.ATTEMPTS, self.attempts, at=at),
            # What is about all wallets and buyers at once is looked at in any case.
            SliceKind.WALLETS: [Slice(at, ids=self.wallets)],
            SliceKind.PLACES: slice_ids(SliceKind.PLACES, self.places, at=at),
        }


def find_slices(picture: Picture) -> dict[str, Mapping[SliceKind, Sequence[Slice]]]:
    """By check; none for one that has to look at everything. Needs the picture to be open."""
    known: dict[int, Mapping[SliceKind, Sequence[Slice]] | None] = {}
    found: dict[str, Mapping[SliceKind, Sequence[Slice]]] = {}
    for name, mark in _read_watermarks(picture).items():
        if mark.transaction_id not in known:
            touched = _find_touched(mark)
            known[mark.transaction_id] = None if touched is None else touched.slices(picture.at)
        slices = known[mark.transaction_id]
        if slices is not None:
            found[name] = slices
    return found


def store_watermarks(picture: Picture, clean: Sequence[str]) -> None:
    """Remember how far these checks have come. Of two runs at once either may win: the earlier mark is right too."""
    cluster = _read_cluster()
    VerifyWatermark.objects.bulk_create(
        [
            VerifyWatermark(
                check_name=name, transaction_id=picture.oldest, cluster=cluster, read_at=picture.at
            )
            for name in clean
        ],
        update_conflicts=True,
        unique_fields=["check_name"],
        update_fields=["transaction_id", "cluster", "read_at"],
    )


def _read_watermarks(picture: Picture) -> dict[str, VerifyWatermark]:
    usable = VerifyWatermark.objects.filter(
        cluster=_read_cluster(),
        check_name__in=[invariant.name for invariant in INVARIANTS],
        transaction_id__gt=picture.next - OLDEST_WATERMARK,
        transaction_id__lte=picture.next,
    )
    return {mark.check_name: mark for mark in usable}


def _read_cluster() -> int:
    with connection.cursor() as cursor:
        cursor.execute(CLUSTER)
        return int(cursor.fetchone()[0])


def _find_touched(mark: VerifyWatermark) -> Touched | None:
    """None when so much was touched that everything is as good."""
    given = {
        "watermark": str(mark.transaction_id % 2**32),
        "floor": attempt_floor(mark.read_at - TRACE_MARGIN),
    }
    leads = _ids(LEADS, given)
    if leads is None:
        return None
    attempts = _ids(ATTEMPTS, {**given, "leads": list(leads)})
    wallets = _ids(WALLETS, given)
    places = _rows(PLACES, given)
    if attempts is None or wallets is None:
        return None
    return Touched(
        leads, attempts, wallets, tuple((campaign_id, buyer_id) for campaign_id, buyer_id in places)
    )


def _ids(sql: str, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
    rows = _rows(f"SELECT id FROM ({sql}) AS touched(id) LIMIT {MOST_TOUCHED + 1}", given)  # noqa: S608 - constants only
    return None if len(rows) > MOST_TOUCHED else tuple(sorted(row_id for (row_id,) in rows))


def _rows(sql: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
