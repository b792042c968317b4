"""Converts decision facts to compact JSON and back without loss, so a decision can be replayed from its trace.

{"engine": n, "at": iso, "seed": int, "lead": {"fields": {}, "latitude", "longitude", "sold_count"}, "locked": [id],
 "times": [iso, ...], "live": {"10": [balance, held, limit, virtual_finish, has_lead 0|1,
 last_assigned_at µs|null, {"day": [starts_at t, leads, spent_cents]}, rejection?, bid_cents?, bid_at µs?,
 bid_outcome?, returned_bps?]}},
where t is an index into times, because a thousand enrollments share a few window starts, and µs are microseconds since
1970. The rejection is present only if the buyer's system rejected the lead or the buyer has a bid, "chosen" only if a
person chose the buyer, "phase" only if it is not "push", "claimant" only for a claim, and "promise", [cents, pays,
amount, end, is_last 0|1], only if the source was promised a price. "verification", [how, kind of consent, ...], only if
the lead is verified or has proof of consent, and the campaign asks.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from distribution.engine.types import (
    DecisionFacts,
    JsonObject,
    LeadFacts,
    LiveFacts,
    OtherEngine,
    Promise,
    Terms,
    Usage,
)

# Raise it with every change that may give another decision for the same facts, or that writes facts differently.
ENGINE: Final = 6
# Engine 4 knew no phases and engine 5 no verification. Their facts give the same decision.
REPEATABLE: Final = (4, 5, ENGINE)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
# What a row without its last values has.
NOT_OPTED: Final[tuple[Any, ...]] = (None, None, None, "", 0)


class _Times:
    """Numbers the starts of windows in the order of their first use.

    Neighbors nearly always have the same start, and comparing two times is far cheaper than hashing one.
    """

    def __init__(self) -> None:
        self.numbers: dict[datetime, int] = {}
        self._latest: dict[str, tuple[datetime, int]] = {}

    def number(self, window: str, at: datetime) -> int:
        latest = self._latest.get(window)
        if latest is not None and latest[0] == at:
            return latest[1]
        number = self.numbers.setdefault(at, len(self.numbers))
        self._latest[window] = (at, number)
        return number


def facts_to_json(facts: DecisionFacts) -> JsonObject:
    times = _Times()
    live = {str(enrollment_id): _live_to_json(each, times) for enrollment_id, each in facts.live.items()}
    optional: JsonObject = {} if facts.chosen is None else {"chosen": facts.chosen}
    if facts.phase != "push":
        optional["phase"] = facts.phase
    if facts.claimant is not None:
        optional["claimant"] = facts.claimant
    if facts.promise is not None:
        optional["promise"] = _promise_to_json(facts.promise)
    if facts.lead.verification or facts.lead.consents:
        optional["verification"] = [facts.lead.verification, *facts.lead.consents]
    return {
        "engine": ENGINE,
        "at": _write_time(facts.at),
        "seed": facts.seed,
        "lead": {
            "fields": dict(facts.lead.fields),
            "latitude": facts.lead.latitude,
            "longitude": facts.lead.longitude,
            "sold_count": facts.lead.sold_count,
        },
        "live": live,
        "times": [_write_time(at) for at in times.numbers],
        "locked": sorted(facts.locked),
        **optional,
    }


def facts_from_json(stored: Mapping[str, Any]) -> DecisionFacts:
    """Raises OtherEngine."""
    if stored.get("engine") not in REPEATABLE:
        message = f"decided by engine {stored.get('engine', 1)}, this is {ENGINE}"
        raise OtherEngine(message)
    lead = stored["lead"]
    verification, *consents = stored.get("verification", [""])
    times = [_read_time(text) for text in stored["times"]]
    return DecisionFacts(
        lead=LeadFacts(
            *(lead["fields"], lead["latitude"], lead["longitude"], lead["sold_count"]),
            *(verification, tuple(consents)),
        ),
        live={
            int(enrollment_id): _live_from_json(row, times) for enrollment_id, row in stored["live"].items()
        },
        at=_read_time(stored["at"]),
        seed=stored["seed"],
        locked=frozenset(stored["locked"]),
        chosen=stored.get("chosen"),
        phase=stored.get("phase", "push"),
        claimant=stored.get("claimant"),
        promise=_promise_from_json(stored["promise"]) if "promise" in stored else None,
    )


def _promise_to_json(promise: Promise) -> list[Any]:
    terms, ends_at = promise.terms, _write_time(promise.ends_at)
    return [promise.price_cents, terms.pays, terms.amount, ends_at, int(promise.is_last)]


def _promise_from_json(stored: Sequence[Any]) -> Promise:
    price_cents, pays, amount, ends_at, is_last = stored
    return Promise(price_cents, Terms(pays, amount), _read_time(ends_at), bool(is_last))


def _live_to_json(live: LiveFacts, times: _Times) -> list[Any]:
    last = live.last_assigned_at
    return [
        live.balance_cents,
        live.held_cents,
        live.credit_limit_cents,
        live.virtual_finish,
        int(live.has_lead),
        None if last is None else (last - EPOCH) // MICROSECOND,
        {
            window: [times.number(window, starts_at), leads, spent_cents]
            for window, (starts_at, leads, spent_cents) in live.usage.items()
        },
        *_optional(live),
    ]


def _optional(live: LiveFacts) -> tuple[Any, ...]:
    """The values that few enrollments have."""
    if live.bid_outcome or live.returned_bps:
        return live.rejection, live.bid_cents, _write_bid_at(live), live.bid_outcome, live.returned_bps
    if live.bid_cents is None:
        return () if live.rejection is None else (live.rejection,)
    return live.rejection, live.bid_cents, _write_bid_at(live)


def _write_bid_at(live: LiveFacts) -> int | None:
    return None if live.bid_at is None else (live.bid_at - EPOCH) // MICROSECOND


def _live_from_json(row: Sequence[Any], times: Sequence[datetime]) -> LiveFacts:
    balance, held, limit, virtual_finish, has_lead, last, usage, *optional = row
    given = [*optional, *NOT_OPTED[len(optional) :]]
    rejection, bid_cents, bid_at, bid_outcome, returned_bps = given
    return LiveFacts(
        balance_cents=balance,
        held_cents=held,
        credit_limit_cents=limit,
        usage={window: _usage_from_json(used, times) for window, used in usage.items()},
        last_assigned_at=_read_microseconds(last),
        virtual_finish=virtual_finish,
        has_lead=bool(has_lead),
        rejection=rejection,
        bid_cents=bid_cents,
        bid_at=_read_microseconds(bid_at),
        bid_outcome=bid_outcome,
        returned_bps=returned_bps,
    )


def _read_microseconds(at: int | None) -> datetime | None:
    return None if at is None else EPOCH + at * MICROSECOND


def _usage_from_json(used: Sequence[Any], times: Sequence[datetime]) -> Usage:
    starts_at, leads, spent_cents = used
    return (times[starts_at], leads, spent_cents)


def _write_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
