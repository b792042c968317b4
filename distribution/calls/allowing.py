"""The steps before a channel is chosen: may this person be called now? Pure: each step is a function of what was read.

A step returns None to go on. The order is that of `find_refusal`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from distribution.calls.facts import RATE_WINDOW, CallFacts
from distribution.calls.hours.check import check_hours
from distribution.calls.hours.opening import spread_opening
from distribution.calls.hours.places import Places, Unplaced, find_home_places, find_places
from distribution.calls.hours.rules import Rules, find_most_calls_per_day
from routing.locks.attempts import LockedLead

# Unless the law says a lower number.
MOST_CALLS_PER_DAY: Final = 3
# From the check of the hours until the phone rings: the wait before the request, the request, and the carrier's queue.
QUEUE_MARGIN: Final = timedelta(seconds=30)
# Why there is no call before the promise to the lead's source ends, with which the lead ends too.
PROMISE_ENDS: Final = "promise_ends"
# The carrier may let the phone ring longer than it was asked to.
RING_OVERRUN: Final = timedelta(seconds=5)
# From what a place is known: both count.
ZIP: Final = "ZIP code"
AREA_CODE: Final = "phone's area code"
# A phone that another lead's call uses is looked at again this often.
LOOK_AGAIN: Final = timedelta(seconds=30)
# When the oldest call has left the window, not at its edge.
AFTER_WINDOW: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no call goes out. `due_at`: not before then; None: as soon as what holds it back has gone.

    `is_final`: waiting changes nothing. `place`: whose hours, in words. Nothing names the person.
    """

    reason: str
    due_at: datetime | None = None
    is_final: bool = False
    place: str = ""

    def describe(self) -> dict[str, Any]:
        """The data of its event."""
        due = {} if self.due_at is None else {"due_at": self.due_at.isoformat()}
        return {"reason": self.reason, **due, **({"place": self.place} if self.place else {})}


def still_asks(facts: CallFacts, lead: LockedLead) -> bool:
    """Whether the campaign would hold the lead back today."""
    if not facts.campaign_is_active or facts.needed == "none":
        return False
    return facts.needed == "required" or facts.consent_kind not in lead.consents


def find_margin(facts: CallFacts) -> timedelta:
    """How long after the check of the hours the phone may still ring."""
    return find_margin_of_ring(facts.ring_seconds)


def find_margin_of_ring(ring_seconds: int) -> timedelta:
    return timedelta(seconds=ring_seconds) + RING_OVERRUN + QUEUE_MARGIN


def check_promise(facts: CallFacts, *, at: datetime) -> Refusal | None:
    """Nobody buys the lead after the promise, so the phone must not ring beyond it."""
    ends_at = facts.promise_ends_at
    return Refusal(PROMISE_ENDS, is_final=True) if is_too_late(ends_at, at + find_margin(facts)) else None


def is_too_late(promise_ends_at: datetime | None, due_at: datetime) -> bool:
    return promise_ends_at is not None and promise_ends_at <= due_at


def find_places_of(lead: LockedLead) -> Places | Unplaced:
    return find_places(lead.zip, country=lead.country, phone=lead.contact.phone)


def check_phone(lead: LockedLead) -> Refusal | None:
    has_phone = bool(lead.contact.phone) and lead.phone_hash is not None
    return None if has_phone else Refusal("no_phone", is_final=True)


def check_lead_hours(
    lead: LockedLead, places: Places | Unplaced, *, rules: Rules, facts: CallFacts, at: datetime
) -> Refusal | None:
    """The law where the person may be, until the phone has stopped ringing. What is not known closes."""
    home = find_home_places(lead.zip, country=lead.country)
    if isinstance(places, Unplaced) or isinstance(home, Unplaced):
        unplaced = places if isinstance(places, Unplaced) else home
        assert isinstance(unplaced, Unplaced)  # noqa: S101 - narrows the type
        return Refusal(unplaced.code, is_final=True, place=unplaced.text.rstrip("."))
    verdict = check_hours(places, rules=rules, at=at, margin=find_margin(facts), channel_hours=None)
    if verdict.is_open:
        return None
    code, text = verdict.reasons[0]
    at_home = check_hours(home, rules=rules, at=at, margin=find_margin(facts), channel_hours=None)
    place = f"By the {ZIP if verdict.reasons[0] in at_home.reasons else AREA_CODE}, {text.rstrip('.')}"
    if verdict.opens_at is None or verdict.closes_at is None:
        return Refusal(
            "no_timezone" if code == "no_timezone" else "no_calling_hours", is_final=True, place=place
        )
    due_at = spread_opening(verdict.opens_at, seed=facts.id, closes_at=verdict.closes_at)
    return Refusal(code, due_at=due_at, place=place)


def check_blocked(facts: CallFacts) -> Refusal | None:
    return Refusal("phone_blocked", is_final=True) if facts.is_blocked else None


def check_consent(facts: CallFacts, lead: LockedLead) -> Refusal | None:
    is_missing = facts.needs_consent and not lead.consents
    return Refusal("no_consent", is_final=True) if is_missing else None


def check_rate(facts: CallFacts, *, most: int, at: datetime) -> Refusal | None:
    """A look before the channel is chosen. The statement that writes the call counts again."""
    if facts.is_in_call:
        return Refusal("phone_in_call", due_at=at + LOOK_AGAIN)
    if len(facts.called_at) < most:
        return None
    return Refusal("called_too_often", due_at=facts.called_at[most - 1] + RATE_WINDOW + AFTER_WINDOW)


def find_most_calls(places: Places | Unplaced, *, rules: Rules) -> int:
    """How many calls a person gets in 24 hours."""
    law = None if isinstance(places, Unplaced) else find_most_calls_per_day(places, rules=rules)
    return MOST_CALLS_PER_DAY if law is None else min(law, MOST_CALLS_PER_DAY)


def find_refusal(
    facts: CallFacts, lead: LockedLead, *, places: Places | Unplaced, rules: Rules, at: datetime
) -> Refusal | None:
    """The first step that says no. `rules`: at least those of the places."""
    return (
        check_phone(lead)
        or check_lead_hours(lead, places, rules=rules, facts=facts, at=at)
        or check_blocked(facts)
        or check_consent(facts, lead)
        or check_rate(facts, most=find_most_calls(places, rules=rules), at=at)
    )
