"""The leads that a buyer was enrolled for and did not get, with the reason and what would have to change. Reads only.

It shows only this buyer's gates and price. Of the person it shows the ZIP code and what the buyer's gates read; values
that identify a person are hidden.

A lead is missed if its latest attempt skipped the buyer and the buyer does not hold it. A lead that the buyer had
bought before (`already_has_lead`) was not missed, even if it was returned later. A test lead is never missed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from distribution.explain.missed_period import EVERY, MissedFilter, find_range
from distribution.explain.personal_data import PERSON_COLUMNS, Person, build_person, recognize
from distribution.explain.whatif import Remedy, what_would_help
from distribution.models import Buyer, Campaign
from routing.models import Lead
from routing.values.personal import HIDDEN
from tracing import wording
from tracing.models import Attempt
from tracing.names import BuyerName, Names
from tracing.narrator import describe_change, describe_events, describe_obstacles
from tracing.obstacles import Obstacle, fixer_of
from tracing.skip_reasons import SKIP_REASONS, Level
from tracing.vocabulary import Event

ALREADY_HAD: Final = "already_has_lead"
MISSED_REASONS: Final = sorted(
    code for code, reason in SKIP_REASONS.items() if Level.BUYER in reason.levels and code != ALREADY_HAD
)
# The event must be a constant in the text, because the partial index event_buyer_skipped requires it.
_SKIPS: Final = f"""
SELECT e.id AS event_id, a.id AS attempt_id, e.skip_reason, e.cost_cents, e.data::text, a.number, a.result,
    a.finished_at, c.public_id AS campaign_id, c.name AS campaign_name, l.public_id AS lead_id, l.received_at,
    l.next_attempt_at, {", ".join(f"l.{name}" for name in PERSON_COLUMNS)}
FROM tracing_leaddistributionevent e
JOIN tracing_attempt a ON a.id = e.attempt_id
JOIN routing_lead l ON l.id = e.lead_id
LEFT JOIN distribution_campaign c ON c.id = a.campaign_id
WHERE e.event = '{Event.BUYER_SKIPPED}' AND e.buyer_id = %(buyer)s AND NOT l.is_test
"""  # noqa: S608 - constants only
_MISSED: Final = f"""{_SKIPS}
    AND e.skip_reason <> '{ALREADY_HAD}'
    AND NOT EXISTS (
        SELECT 1 FROM tracing_attempt later WHERE later.lead_id = e.lead_id AND later.number > a.number
    )
    AND NOT EXISTS (
        SELECT 1 FROM distribution_assignment s
        WHERE s.lead_id = e.lead_id AND s.buyer_id = e.buyer_id AND s.state IN ('sold', 'held')
    )
"""  # noqa: S608 - constants only
LIST_MISSED: Final = f"""{_MISSED}
    AND e.id < %(before)s AND e.id >= %(from)s AND (%(reason)s::text IS NULL OR e.skip_reason = %(reason)s)
    AND e.skip_reason <> ALL(%(exclude)s)
    AND (%(starts_at)s::timestamptz IS NULL OR a.finished_at >= %(starts_at)s)
    AND (%(ends_at)s::timestamptz IS NULL OR a.finished_at < %(ends_at)s)
ORDER BY e.id DESC
"""
# By the lead's attempts first: a buyer has many events, a lead few.
_OF_LEAD: Final = """
    AND e.attempt_id IN (SELECT x.id FROM tracing_attempt x JOIN routing_lead y ON y.id = x.lead_id
                         WHERE y.public_id = %(lead)s)
"""
FIND_MISSED: Final = f"{_MISSED}{_OF_LEAD}"
LIST_SKIPS: Final = f"{_SKIPS}{_OF_LEAD}ORDER BY a.number DESC"
# The oldest event that one page reads. For a rare reason, a page would otherwise read every event of the buyer.
SCAN_END: Final = f"""
SELECT e.id FROM tracing_leaddistributionevent e
WHERE e.event = '{Event.BUYER_SKIPPED}' AND e.buyer_id = %(buyer)s AND e.id < %(before)s AND e.id >= %(first)s
ORDER BY e.id DESC OFFSET %(scanned)s - 1 LIMIT 1
"""  # noqa: S608 - constants only
MAX_SCANNED: Final = 5_000
OF_FLOORS: Final = frozenset({"bid_below_reserve", "below_promised_price"})
NEWEST: Final = 2**63 - 1
MAX_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class SkippedAttempt:
    """Why one attempt did not sell the lead to this buyer. `ranked_higher`: only if it was outranked."""

    event_id: int
    attempt_id: UUID
    number: int
    decided_at: datetime
    reason: str
    sentence: str
    change: str
    fixer: str
    price_cents: int | None
    ranked_higher: int | None
    gates: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class MissedLead:
    """`skip` is from the latest attempt. `next_attempt_at`: when the lead is tried again, if at all."""

    lead_id: UUID
    zip: str
    state: str
    vertical: str
    received_at: datetime
    next_attempt_at: datetime | None
    campaign_id: UUID | None
    campaign_name: str
    skip: SkippedAttempt


@dataclass(frozen=True, slots=True)
class Check:
    """The engine's result for the latest attempt after every obstacle of the buyer is removed.

    `ending`: selected, outranked, sold_out, never, or unchecked if the engine could not run. `winning_bid_cents`: the
    smallest bid with which the buyer would have won the auction, if its campaign shows it.
    """

    ending: str
    is_confirmed: bool
    ranked_higher: int | None
    price_cents: int | None
    sentence: str
    winning_bid_cents: int | None = None


@dataclass(slots=True)
class SkipRow:
    """What the narrator reads of an event."""

    buyer_id: int
    skip_reason: str
    cost_cents: int | None
    data: Mapping[str, Any]
    seq: int = 0
    event: str = Event.BUYER_SKIPPED
    outcome: str = "skipped"


class _FoundRow(NamedTuple):
    """One row of _SKIPS, in the order of its columns."""

    event_id: int
    attempt_id: UUID
    skip_reason: str
    cost_cents: int | None
    data: str
    number: int
    result: str
    finished_at: datetime
    campaign_id: UUID | None
    campaign_name: str | None
    lead_id: UUID
    received_at: datetime
    next_attempt_at: datetime | None
    email: str
    phone: str
    first_name: str
    last_name: str
    address: str
    city: str
    county: str
    state: str
    zip: str
    vertical: str


def list_missed(
    buyer: Buyer, *, limit: int, before: int = NEWEST, only: MissedFilter = EVERY
) -> tuple[list[MissedLead], int | None]:
    """Return the leads missed before the event `before`, newest first, and the event where the search stopped.

    Filtered, it searches the newest MAX_SCANNED events of the buyer before that. None: it searched all of them.
    """
    events = find_range(buyer.pk, only.period)
    before = min(before, events.after)
    stop = _find_stop(buyer, before=before, first=events.first) if only != EVERY else None
    parameters = {
        "before": before,
        "from": max(stop or 0, events.first),
        "reason": only.reason,
        "exclude": list(only.exclude),
        "starts_at": only.period.starts_at,
        "ends_at": only.period.ends_at,
    }
    return [_describe(row, buyer) for row in _read(LIST_MISSED, buyer, limit=limit, **parameters)], stop


def _find_stop(buyer: Buyer, *, before: int, first: int) -> int | None:
    asked = {"buyer": buyer.pk, "before": before, "first": first, "scanned": MAX_SCANNED}
    with connection.cursor() as cursor:
        cursor.execute(SCAN_END, asked)
        row: tuple[int] | None = cursor.fetchone()
    return row[0] if row else None


def find_missed(public_id: UUID, *, buyer: Buyer) -> tuple[MissedLead, list[SkippedAttempt], Check] | None:
    """Return one missed lead with every attempt that skipped the buyer, newest first. None: it did not miss it."""
    rows = _read(FIND_MISSED, buyer, limit=1, lead=public_id)
    if not rows:
        return None
    skips = _read(LIST_SKIPS, buyer, limit=MAX_ATTEMPTS, lead=public_id)
    missed = _describe(rows[0], buyer)
    return missed, [_describe_skip(row, buyer) for row in skips], _check(missed, buyer)


def _read(sql: str, buyer: Buyer, *, limit: int, **parameters: Any) -> list[_FoundRow]:
    """The limit is in the text, because the planner must know that only a page is read."""
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {int(limit)}", {"buyer": buyer.pk, **parameters})
        return [_FoundRow(*row) for row in cursor.fetchall()]


def _describe(row: _FoundRow, buyer: Buyer) -> MissedLead:
    return MissedLead(
        lead_id=row.lead_id,
        zip=row.zip,
        state=row.state,
        vertical=row.vertical,
        received_at=row.received_at,
        next_attempt_at=row.next_attempt_at,
        campaign_id=row.campaign_id,
        campaign_name=row.campaign_name or "",
        skip=_describe_skip(row, buyer),
    )


def _describe_skip(row: _FoundRow, buyer: Buyer) -> SkippedAttempt:
    person = build_person([getattr(row, name) for name in PERSON_COLUMNS])
    event = SkipRow(buyer.pk, row.skip_reason, row.cost_cents, _hide_person(json.loads(row.data), person))
    names = Names(buyers={buyer.pk: BuyerName(buyer.name, buyer.timezone)})
    higher = _ranked_higher(event)
    gates = tuple(describe_obstacles(event, names=names))
    return SkippedAttempt(
        event_id=row.event_id,
        attempt_id=row.attempt_id,
        number=row.number,
        decided_at=row.finished_at,
        reason=row.skip_reason,
        sentence=describe_events([event], names=names)[0]
        if higher is None
        else _outranked(buyer, event, higher, row.result),
        change=describe_change(event, names=names),
        fixer=gates[0].fixer if gates else fixer_of(row.skip_reason),
        price_cents=row.cost_cents,
        ranked_higher=higher,
        gates=gates,
    )


def _check(missed: MissedLead, buyer: Buyer) -> Check:
    """Return only the buyer's own part of the remedy. Its improvements and ranking reveal other buyers."""
    lead = Lead.objects.only("workspace_id").get(public_id=missed.lead_id)
    attempt = Attempt.objects.get(pk=missed.skip.attempt_id)
    remedy = what_would_help(lead, attempt=attempt, buyer=buyer)
    higher = remedy.rank - 1 if remedy.rank and remedy.ending == "outranked" else None
    is_shown = not _names_the_floor(remedy) or _shows_price_to_win(attempt)
    return Check(
        ending=remedy.ending,
        is_confirmed=remedy.is_confirmed,
        ranked_higher=higher,
        price_cents=remedy.price_cents if is_shown else None,
        sentence=_describe_check(remedy, higher or 0, is_shown=is_shown),
        winning_bid_cents=_find_winning_bid(remedy, attempt),
    )


def _find_winning_bid(remedy: Remedy, attempt: Attempt) -> int | None:
    """It says what the winner bid, so the agency decides whether buyers may know it."""
    bids = [each.bid_cents for each in remedy.improvements if each.bid_cents is not None]
    return bids[0] if bids and _shows_price_to_win(attempt) else None


def _names_the_floor(remedy: Remedy) -> bool:
    """The smallest bid that passes is the campaign's reserve, or says what the source was promised."""
    return any(each.gate in OF_FLOORS for each in remedy.fixes)


def _shows_price_to_win(attempt: Attempt) -> bool:
    if attempt.campaign_id is None:
        return False
    return Campaign.objects.filter(pk=attempt.campaign_id, shows_price_to_win=True).exists()


def _describe_check(remedy: Remedy, higher: int, *, is_shown: bool) -> str:
    changed = "With all of these changes" if remedy.fixes else "Without any change"
    if remedy.ending == "selected" and not is_shown:
        return f"With a higher bid, {remedy.buyer} would have gotten this lead."
    if remedy.ending == "selected":
        return f"{changed}, {remedy.buyer} would have gotten this lead for {wording.money(remedy.price_cents or 0)}."
    if remedy.ending == "never":
        return remedy.sentence
    if remedy.ending == "outranked" and remedy.is_by_hand:
        return f"{changed}, another buyer would still have gotten this lead: an operator assigned it."
    if remedy.ending == "outranked":
        return f"{changed}, {wording.count(higher, 'buyer')} would still have ranked higher."
    if remedy.ending == "sold_out":
        return f"{changed}, the lead would still have been sold to other buyers first."
    return "The effect of a change could not be checked."


def _ranked_higher(event: SkipRow) -> int | None:
    """Return how many buyers ranked higher, but not which ones."""
    rank = event.data.get("rank")
    return rank - 1 if event.skip_reason in ("outranked", "outbid") and isinstance(rank, int) else None


def _outranked(buyer: Buyer, event: SkipRow, higher: int, result: str) -> str:
    if event.skip_reason == "outbid":
        sold = "was sold at another bid" if result == "success" else "went to another bid"
        bid = wording.money(event.cost_cents or 0)
        return f"{buyer.name}: its bid of {bid} ranked {wording.ordinal(higher + 1)}. The lead {sold}."
    if higher == 0 or result != "success":
        return f"{buyer.name}: eligible, but the lead is sold to as many buyers as the campaign allows."
    return f"{buyer.name}: eligible, but {wording.count(higher, 'buyer')} ranked higher."


def _hide_person(value: Any, person: Person, *, is_rule: bool = False) -> Any:
    """A condition may read an attribute in which a sender put contact data."""
    if isinstance(value, dict):
        return {
            key: _hide_person(each, person, is_rule=is_rule or key == "required")
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_hide_person(each, person, is_rule=is_rule) for each in value]
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value if recognize(value, person, is_rule=is_rule) is None else HIDDEN
    return value
