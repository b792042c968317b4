"""Cuts the tables into slices, so that a check needs no more memory for a million leads than for ten thousand.

A slice is a range of ids or, in an incremental run, the touched ids.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.db import connection

LEADS_PER_SLICE: Final = 25_000
ATTEMPTS_PER_SLICE: Final = 10_000
DELIVERIES_PER_SLICE: Final = 25_000
TOUCHED_PER_SLICE: Final = 5_000
LOWEST, HIGHEST = UUID(int=0), UUID(int=2**128 - 1)
MIN_ID, MAX_ID = -(2**63), 2**63 - 1
# Ids of attempts are made from the clock of their process, which may be slow.
SLOWEST_CLOCK: Final = timedelta(hours=1)


CUTS: Final = """
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM {table} WHERE id > %s) numbered
WHERE place %% %s = 0 ORDER BY id
"""


# Without a delivery of these leads, nothing is read.
FIRST_DELIVERY: Final = "SELECT COALESCE(MIN(id), %s) FROM distribution_delivery WHERE lead_id >= %s"


class SliceKind(Enum):
    """The kind of ids in a slice."""

    LEADS = "leads"
    ATTEMPTS = "attempts"
    DELIVERIES = "deliveries"
    WALLETS = "wallets"
    # Pairs of campaign and buyer.
    CAMPAIGN_BUYERS = "campaign_buyers"


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows at the time `at`, from `low` to `high`, both included. `ids`: only these of them.

    `from_lead`: only attempts of leads from this id on.
    """

    at: datetime
    low: int | UUID = MIN_ID
    high: int | UUID = MAX_ID
    ids: tuple[Any, ...] | None = None
    from_lead: int = MIN_ID

    def parameters(self) -> dict[str, Any]:
        ids = None if self.ids is None else list(self.ids)
        return {"low": self.low, "high": self.high, "ids": ids, "from_lead": self.from_lead, "at": self.at}


def in_leads(column: str) -> str:
    """The condition on a lead's id in a check that reads leads."""
    return _within(column, "bigint")


def in_attempts(column: str, lead: str) -> str:
    """The condition on an attempt's id, and on its lead's, in a check that reads attempts."""
    return f"{_within(column, 'uuid')} AND {lead} >= %(from_lead)s::bigint"


def in_deliveries(column: str) -> str:
    """The condition on a delivery's id in a check that reads deliveries."""
    return _within(column, "bigint")


def in_wallets(column: str) -> str:
    """The condition on a wallet's id. All wallets are read, or only the touched ones."""
    return _among(column, "bigint")


# PostgreSQL plans for the actual values (see database_snapshot.py), so it drops the side of `OR` that does not apply.
def _among(column: str, kind: str) -> str:
    return f"(%(ids)s::{kind}[] IS NULL OR {column} = ANY(%(ids)s::{kind}[]))"


def _within(column: str, kind: str) -> str:
    return f"{column} BETWEEN %(low)s::{kind} AND %(high)s::{kind} AND {_among(column, kind)}"


def slice_all(*, at: datetime, newest: int | None = None) -> dict[SliceKind, list[Slice]]:
    """Slices of everything, or of the `newest` leads with their attempts."""
    from_lead = MIN_ID if newest is None else _find_first_lead(newest)
    return {
        SliceKind.LEADS: _slice_leads(from_lead, at=at),
        SliceKind.ATTEMPTS: _slice_attempts(from_lead, at=at),
        SliceKind.DELIVERIES: _slice_deliveries(from_lead, at=at),
        SliceKind.WALLETS: [Slice(at)],
        SliceKind.CAMPAIGN_BUYERS: [Slice(at)],
    }


def slice_ids(kind: SliceKind, ids: Sequence[Any], *, at: datetime) -> list[Slice]:
    """Slices of the touched ids."""
    low, high = (LOWEST, HIGHEST) if kind is SliceKind.ATTEMPTS else (MIN_ID, MAX_ID)
    return [
        Slice(at, low, high, tuple(ids[start : start + TOUCHED_PER_SLICE]))
        for start in range(0, len(ids), TOUCHED_PER_SLICE)
    ]


def _find_first_lead(newest: int) -> int:
    return int(
        _value(
            "SELECT COALESCE(MIN(id), 0) FROM (SELECT id FROM routing_lead ORDER BY id DESC LIMIT %s) newest",
            newest,
        )
    )


def _slice_leads(from_lead: int, *, at: datetime) -> list[Slice]:
    cuts = _column(CUTS.format(table="routing_lead"), from_lead, LEADS_PER_SLICE)
    return list(_cut(from_lead, cuts, MAX_ID, following=lambda id_: id_ + 1, at=at, from_lead=from_lead))


def _slice_deliveries(from_lead: int, *, at: datetime) -> list[Slice]:
    first = MIN_ID if from_lead == MIN_ID else int(_value(FIRST_DELIVERY, MAX_ID, from_lead))
    cuts = _column(CUTS.format(table="distribution_delivery"), first, DELIVERIES_PER_SLICE)
    return list(_cut(first, cuts, MAX_ID, following=lambda id_: id_ + 1, at=at, from_lead=from_lead))


def _slice_attempts(from_lead: int, *, at: datetime) -> list[Slice]:
    first = LOWEST if from_lead == MIN_ID else _find_first_attempt(from_lead)
    cuts = _column(CUTS.format(table="tracing_attempt"), first, ATTEMPTS_PER_SLICE)
    return list(
        _cut(first, cuts, HIGHEST, following=lambda id_: UUID(int=id_.int + 1), at=at, from_lead=from_lead)
    )


def _find_first_attempt(from_lead: int) -> UUID:
    """Return an id that no attempt of these leads, and no event of a lost attempt, is below."""
    received_at = _value("SELECT MIN(received_at) FROM routing_lead WHERE id >= %s", from_lead)
    floors = [] if received_at is None else [attempt_floor(received_at - SLOWEST_CLOCK)]
    found = _value("SELECT id FROM tracing_attempt WHERE lead_id >= %s ORDER BY id LIMIT 1", from_lead)
    return min([*floors, *([] if found is None else [found])], default=LOWEST)


def attempt_floor(at: datetime) -> UUID:
    """Return the lowest id (uuid7) of an attempt that began at this time."""
    return UUID(int=max(0, int(at.timestamp() * 1_000)) << 80)


def _cut(
    low: Any, cuts: Sequence[Any], last: Any, *, following: Callable[[Any], Any], at: datetime, from_lead: int
) -> Iterator[Slice]:
    """Yield contiguous ranges from `low` to `last`. Each but the last ends at a cut."""
    starts = [low, *map(following, cuts)]
    ends = [*cuts, last]
    for start, end in zip(starts, ends, strict=True):
        yield Slice(at, start, end, None, from_lead)


def _value(sql: str, *parameters: Any) -> Any:
    return next(iter(_column(sql, *parameters)), None)


def _column(sql: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [value for (value,) in cursor.fetchall()]
