"""The leads that a buyer could have had and did not get, with the reason and what would have to change. Reads only.

It shows only this buyer's gates, price and offers, and never who got a lead.

A lead is missed if the latest attempt that considered the buyer skipped it, or showed it an offer that it did not
claim, and the buyer does not hold it. A lead that the buyer had bought before was not missed, even if it was returned
later. A test lead is never missed.

Skips and offers are two lists, each in the order of its rows. One page merges them by the time of the decision, and
its position says where both go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from distribution.explain.missed_period import EVERY, MissedFilter, Timeline, find_range
from distribution.explain.missed_places import FIND_PLACE, LIST_OF_LEAD, LIST_PLACES, read_places
from distribution.explain.missed_rows import (
    FoundLead,
    MissedLead,
    SkippedAttempt,
)
from distribution.explain.missed_skips import FIND_MISSED, LIST_MISSED, LIST_SKIPS, read_skips
from distribution.explain.whatif import Remedy, what_would_help
from distribution.models import Buyer, Campaign
from routing.models import Lead
from tracing import wording
from tracing.models import Attempt

# A page with a filter reads the newest rows of each list up to here. For a rare reason, it would otherwise read all.
MAX_SCANNED: Final = 5_000
OF_FLOORS: Final = frozenset({"bid_below_reserve", "below_promised_price"})
MAX_ATTEMPTS: Final = 50
ID_BITS: Final = 56
LAST_ID: Final = 2**ID_BITS - 1
# Below every id: the list is read.
READ: Final = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Where the two lists go on: before these rows."""

    event_id: int
    place_id: int

    def pack(self) -> int:
        return self.place_id << ID_BITS | self.event_id


def unpack(position: int) -> Position:
    """A position without a place is of an earlier release, which listed skips only."""
    return Position(min(position & LAST_ID, LAST_ID), position >> ID_BITS or LAST_ID)


NEWEST: Final = Position(LAST_ID, LAST_ID).pack()


@dataclass(frozen=True, slots=True)
class Check:
    """The engine's result for the deciding attempt after every obstacle of the buyer is removed.

    `ending`: selected, offered, outranked, sold_out, never, or unchecked if the engine could not run.
    `winning_bid_cents`: the smallest bid with which the buyer would have won the auction, if its campaign shows it.
    """

    ending: str
    is_confirmed: bool
    ranked_higher: int | None
    price_cents: int | None
    sentence: str
    winning_bid_cents: int | None = None


@dataclass(frozen=True, slots=True)
class _Stream:
    """The rows of one list, newest first. `stop`: where the search ended, READ if it read all."""

    rows: list[FoundLead]
    stop: int


def list_missed(
    buyer: Buyer, *, limit: int, before: int = NEWEST, only: MissedFilter = EVERY
) -> tuple[list[MissedLead], int | None]:
    """Return the leads missed before the position `before`, newest first, and the position where the search stopped.

    Filtered, it searches the newest MAX_SCANNED rows of each list before that. None: it searched all of them.
    """
    start = unpack(before)
    skips = _search(buyer, Timeline.SKIPS, start.event_id, limit=limit, only=only)
    places = _search(buyer, Timeline.PLACES, start.place_id, limit=limit, only=only)
    stop = Position(skips.stop, places.stop)
    is_read = stop == Position(READ, READ)
    return list(_merge(skips.rows, places.rows, start))[:limit], None if is_read else stop.pack()


def _search(buyer: Buyer, timeline: Timeline, before: int, *, limit: int, only: MissedFilter) -> _Stream:
    ids = find_range(buyer.pk, only.period, timeline=timeline)
    before = min(before, ids.after)
    stop = _find_stop(buyer, timeline, before=before, first=ids.first) if only != EVERY else None
    parameters = {
        "before": before,
        "from": max(stop or 0, ids.first),
        "reason": only.reason,
        "exclude": list(only.exclude),
        "starts_at": only.period.starts_at,
        "ends_at": only.period.ends_at,
    }
    sql, read = _LISTS[timeline]
    return _Stream(read(sql, buyer, limit=limit, **parameters), stop or READ)


_LISTS: Final[dict[Timeline, tuple[str, Callable[..., list[FoundLead]]]]] = {
    Timeline.SKIPS: (LIST_MISSED, read_skips),
    Timeline.PLACES: (LIST_PLACES, read_places),
}


def _find_stop(buyer: Buyer, timeline: Timeline, *, before: int, first: int) -> int | None:
    """The oldest row that one page reads."""
    asked = {"buyer": buyer.pk, "before": before, "first": first, "scanned": MAX_SCANNED}
    sql = f"""
    SELECT e.id {timeline.value} AND e.id < %(before)s AND e.id >= %(first)s
    ORDER BY e.id DESC OFFSET %(scanned)s - 1 LIMIT 1
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        row: tuple[int] | None = cursor.fetchone()
    return row[0] if row else None


def _merge(skips: list[FoundLead], places: list[FoundLead], start: Position) -> Iterator[MissedLead]:
    """The newer of the two next rows first, with the position after it."""
    event_id, place_id = start.event_id, start.place_id
    at_skip, at_place = 0, 0
    while at_skip < len(skips) or at_place < len(places):
        is_skip = at_place == len(places) or (
            at_skip < len(skips) and skips[at_skip].skip.decided_at >= places[at_place].skip.decided_at
        )
        if is_skip:
            found, at_skip = skips[at_skip], at_skip + 1
            event_id = found.id
        else:
            found, at_place = places[at_place], at_place + 1
            place_id = found.id
        yield found.describe(position=Position(event_id, place_id).pack())


def find_missed(public_id: UUID, *, buyer: Buyer) -> tuple[MissedLead, list[SkippedAttempt], Check] | None:
    """Return one missed lead with every attempt that skipped the buyer or showed it an offer, newest first.

    None: the buyer did not miss it.
    """
    found = read_skips(FIND_MISSED, buyer, limit=1, lead=public_id)
    found = found or read_places(FIND_PLACE, buyer, limit=1, lead=public_id)
    if not found:
        return None
    missed = found[0].describe()
    history = [
        *read_skips(LIST_SKIPS, buyer, limit=MAX_ATTEMPTS, lead=public_id),
        *read_places(LIST_OF_LEAD, buyer, limit=MAX_ATTEMPTS, lead=public_id),
    ]
    newest_first = sorted((each.skip for each in history), key=lambda skip: -skip.number)
    return missed, newest_first[:MAX_ATTEMPTS], _check(missed, buyer)


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
    if remedy.ending == "offered" and not is_shown:
        return f"With a higher bid, {remedy.buyer} would have been shown this lead."
    if remedy.ending == "selected":
        return f"{changed}, {remedy.buyer} would have gotten this lead for {wording.money(remedy.price_cents or 0)}."
    if remedy.ending in ("never", "offered"):
        return remedy.sentence
    if remedy.ending == "outranked" and remedy.is_by_hand:
        return f"{changed}, another buyer would still have gotten this lead: an operator assigned it."
    if remedy.ending == "outranked":
        return f"{changed}, {wording.count(higher, 'buyer')} would still have ranked higher."
    if remedy.ending == "sold_out":
        return f"{changed}, the lead would still have been sold to other buyers first."
    return "The effect of a change could not be checked."
