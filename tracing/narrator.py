"""Turns the events of an attempt into sentences. Pure: rows and names come in, text goes out.

Tracing has no models of buyers and campaigns: the caller passes their names. A code without words here gets a plain
sentence, because rows are permanent and words may change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from tracing import wording
from tracing.auction_words import describe_bid, describe_closing, describe_opening, find_silence
from tracing.names import Names
from tracing.obstacles import Obstacle, describe_clause, describe_funnel, describe_gate
from tracing.skip_reasons import SKIP_REASONS, Fixer
from tracing.vocabulary import RESULTS, WAKE_CAUSES, Event, describe_correction


class EventRow(Protocol):
    """A row of tracing_leaddistributionevent."""

    seq: Any
    event: Any
    buyer_id: Any
    cost_cents: Any
    outcome: Any
    skip_reason: Any
    data: Any


class AttemptRow(Protocol):
    """A row of tracing_attempt."""

    number: Any
    trigger: Any
    result: Any
    started_at: Any
    duration_ms: Any


@dataclass(frozen=True, slots=True)
class EventContext:
    """The attempt that an event belongs to."""

    names: Names
    has_selection: bool
    is_auction: bool


TRIGGERS: Final = {
    "ingest": "first attempt",
    "retry": "retry",
    "manual": "re-run by an operator",
    "woken": "woken by a change",
    "claim": "claim of an offer",
    "offer_closed": "end of an offer",
    "delivery": "answer of a buyer's system",
    "verification": "end of its verification",
}
# What a deferred lead waits for, no matter which gate removed the last buyer.
WAITED_FOR: Final = "the first buyer that is outside its hours or at a cap is available again"
OF_AUCTIONS: Final = frozenset({Event.AUCTION_OPENED, Event.AUCTION_CLOSED})
NEEDS_PERSON: Final = frozenset({"unsold", "failed"})


def describe_attempt(attempt: AttemptRow) -> str:
    """ "Attempt 1 (first attempt) at 2026-08-02 14:03:22 UTC took 3 ms: not sold." """
    trigger = TRIGGERS.get(attempt.trigger, attempt.trigger)
    started, took = wording.moment(attempt.started_at), wording.duration(attempt.duration_ms)
    result = RESULTS.get(attempt.result, attempt.result)
    return f"Attempt {attempt.number} ({trigger}) at {started} took {took}: {result}."


def describe_events(events: Sequence[EventRow], *, names: Names, has_selection: bool = False) -> list[str]:
    """One sentence for each event of one attempt, in the same order. Never raises for odd data.

    `has_selection`: the attempt selected a buyer, although its event may be missing here.
    """
    kinds = {event.event for event in events}
    context = EventContext(
        names,
        has_selection=has_selection or Event.BUYER_SELECTED in kinds,
        is_auction=not kinds.isdisjoint(OF_AUCTIONS),
    )
    return [_describe_event(event, context) for event in events]


def _describe_event(event: EventRow, context: EventContext) -> str:
    try:
        return EVENT_WORDS[event.event](event, context)
    except (LookupError, TypeError, ValueError, AttributeError):
        return _plain(event, context)


def _plain(event: EventRow, context: EventContext) -> str:
    whose = f"{context.names.buyer(event.buyer_id).name}: " if event.buyer_id is not None else ""
    why = f" ({event.skip_reason})" if event.skip_reason else ""
    return f"{whose}{event.event}{why}."


def describe_reason(code: str) -> str:
    """Return the sentence of a reason of lead level; an unknown code gives the code itself."""
    return SKIP_REASONS[code].sentence if code in SKIP_REASONS else f"{code}."


def describe_lead_change(reason: str, *, is_last: bool = False) -> str:
    """What would have to change for the whole lead; "" if that differs from buyer to buyer.

    `is_last`: no attempt follows by itself.
    """
    known = SKIP_REASONS.get(reason)
    if known is None:
        return ""
    return (known.last_change if is_last else "") or known.change


def needs_person(result: str) -> bool:
    """Whether no attempt follows by itself after one with this result."""
    return result in NEEDS_PERSON


def describe_obstacles(event: EventRow, *, names: Names) -> list[Obstacle]:
    """Every failing gate of a skipped buyer, in the engine's order."""
    gates = event.data.get("gates") if isinstance(event.data, Mapping) else None
    timezone = names.buyer(event.buyer_id).timezone
    known = [gate for gate in gates or [] if isinstance(gate, Mapping)]
    return [describe_gate(gate, timezone=timezone) for gate in known]


def describe_change(event: EventRow, *, names: Names, is_last: bool = False) -> str:
    """What would have to change for this buyer to pass all failing gates; "" if that is unknown.

    `is_last`: no attempt follows by itself.
    """
    silence = find_silence(event.skip_reason, event.data)
    if silence is not None:
        return silence[1]
    change = describe_lead_change(event.skip_reason, is_last=is_last)
    if change:
        return change
    changes = [each.change for each in describe_obstacles(event, names=names) if each.change]
    return "; ".join(dict.fromkeys(changes))


def _started(event: EventRow, _context: EventContext) -> str:
    trigger, cause = event.data["trigger"], event.data.get("woken_by")
    why = f"woken by: {WAKE_CAUSES.get(cause, cause)}" if cause else TRIGGERS.get(trigger, trigger)
    started = f"Started as attempt {event.data['number']} ({why})."
    if event.data.get("is_test"):
        started += " It is a test lead."
    notes = [_describe_note(note) for note in event.data.get("intake", ())]
    return f"{started} At intake: {'; '.join(notes)}." if notes else started


def _describe_note(note: str) -> str:
    """ "email:dropped" """
    name, _, code = note.rpartition(":")
    return describe_correction(name.replace("_", " "), code)


def _campaign(event: EventRow, context: EventContext) -> str:
    name = context.names.campaign(event.data["campaign_id"])
    return f"Taken by the campaign {name}, configuration {event.data['config_version']}."


def _routed(event: EventRow, context: EventContext) -> str:
    rule, to = event.data["rule"], context.names.workspace(event.data["to"])
    if rule is None:
        return f"Back in {to}, its source workspace: no rule routes it elsewhere now."
    tags = f" (tags: {', '.join(rule['tags'])})" if rule["tags"] else ""
    return f"Routed to {to} by rule '{rule['name']}'{tags}."


def _price(event: EventRow, context: EventContext) -> str:
    tiers = event.data["tiers"]
    if not tiers:
        return "No price was needed: no buyer was considered."
    # The winner of an auction pays its bid. Only a push after it sells at the price.
    named = "without an auction, the price is" if context.is_auction else "the price is"
    prices = [_tier_price(tier) for tier in tiers]
    if len(prices) == 1:
        return wording.sentence(f"{named} {prices[0]}")
    numbered = [
        f"{price} in the {wording.ordinal(place)} tier" for place, price in enumerate(prices, start=1)
    ]
    return wording.sentence(f"{named} {', '.join(numbered)}")


def _tier_price(tier: Mapping[str, Any]) -> str:
    text = wording.money(tier["price_cents"])
    if not tier["applied"]:
        return text
    base, rules = wording.money(tier["base_cents"]), ", ".join(_price_rule(each) for each in tier["applied"])
    return f"{text} ({base}; {rules})"


def _price_rule(applied: Mapping[str, Any]) -> str:
    after = wording.money(applied["after"])
    if "unverified_percent" in applied:
        percent = applied["unverified_percent"]
        return f"{percent}% of the price, because the person is not verified, makes {after}"
    number = f"rule {applied['rule'] + 1}"
    if "set_cents" in applied:
        return f"{number} sets {after}"
    if "add_cents" in applied:
        cents = applied["add_cents"]
        added = wording.money(cents) if isinstance(cents, int) else f"{cents} cents"
        return f"{number} adds {added} to make {after}"
    return f"{number} applies {applied['percent']}% to make {after}"


def _pool(event: EventRow, _context: EventContext) -> str:
    return describe_funnel(event.data["funnel"], zip_code=str(event.data.get("zip") or ""))


def _skipped(event: EventRow, context: EventContext) -> str:
    name = context.names.buyer(event.buyer_id).name
    if event.skip_reason in ("outranked", "outbid"):
        return f"{name}: {_outranked(event, context)}."
    silence = find_silence(event.skip_reason, event.data)
    if silence is not None:
        return f"{name}: {silence[0]}."
    obstacles = describe_obstacles(event, names=context.names)
    if not obstacles:
        return f"{name}: {describe_clause(event.skip_reason)}."
    also = [describe_clause(each.gate) for each in obstacles[1:]]
    more = f" Also failed: {'; '.join(also)}." if also else ""
    return f"{name}: {obstacles[0].finding}.{more}"


def _outranked(event: EventRow, context: EventContext) -> str:
    rank = event.data.get("rank")
    if not context.has_selection:
        return "eligible, but the lead is sold to as many buyers as the campaign allows"
    return describe_clause(event.skip_reason) + (f" (rank {rank})" if rank else "")


def _selected(event: EventRow, context: EventContext) -> str:
    name = context.names.buyer(event.buyer_id).name
    text = f"{name}: selected, rank {event.data['rank']}, for {wording.money(event.cost_cents)}."
    overridden = [describe_clause(gate) for gate in event.data.get("overridden") or ()]
    return f"{text} An operator chose it despite: {'; '.join(overridden)}." if overridden else text


def _distributed(event: EventRow, _context: EventContext) -> str:
    buyers: int = event.data["buyers"]
    in_all = " in all" if buyers > 1 else ""
    sold = f"old to {wording.count(buyers, 'buyer')} for {wording.money(event.cost_cents)}{in_all}."
    text = f"Test: s{sold} No buyer was charged." if event.data.get("is_test") else f"S{sold}"
    ended_by = event.data.get("ended_by")
    return f"{text} No other buyer gets it: {describe_reason(ended_by)}" if ended_by else text


def _delivery_started(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    text = f"{name}: its system is asked whether it accepts the lead. {price} is held until it answers."
    if event.data.get("is_test"):
        text = f"{name}: its system is asked at its test URL whether it accepts the lead. Nothing is held."
    deadline_at = wording.parse_moment(event.data["deadline_at"])
    if deadline_at is None:
        return text
    return f"{text} If it rejects the lead, other buyers are asked until {wording.moment(deadline_at)}."


def _delivery_accepted(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    held = event.data.get("held_cents")
    rest = "" if held is None else f" of the {wording.money(held)} that was held"
    paid = (
        "Nothing was charged: it is a test." if event.data.get("is_test") else f"{price}{rest} was charged."
    )
    return f"{name}: its system accepted the lead. {paid}"


def _delivery_rejected(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    reason = event.data["reason"]
    said = f', with the reason "{reason}"' if reason else " without a reason"
    released = "" if event.data.get("is_test") else f" {price} is no longer held."
    return f"{name}: its system rejected the lead{said}.{released}"


def _offer_opened(event: EventRow, _context: EventContext) -> str:
    data = event.data
    buyers, prices = len(data["shown"]), sorted({each["price_cents"] for each in data["shown"]})
    price = " to ".join(wording.money(each) for each in dict.fromkeys((prices[0], prices[-1])))
    until = wording.parse_moment(data["closes_at"])
    ends = f" until {wording.moment(until)}" if until else ""
    fields = ", ".join(map(wording.field_name, data["fields"])) or "no field"
    text = f"Offered to {wording.count(buyers, 'buyer')} for {price}{ends}, with {fields}."
    most = data["max_buyers"]
    first = "The first valid claim gets it." if most == 1 else f"The first {most} valid claims get it."
    withheld = ", ".join(map(wording.field_name, data.get("withheld") or ()))
    hidden = f" Not shown, because the value may identify the person: {withheld}." if withheld else ""
    return f"{text} {first}{hidden}"


def _offer_claimed(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    paid = "Nothing was charged: it is a test." if event.data.get("is_test") else f"{price} was charged."
    return f"{name}: claimed the lead {wording.duration(event.data['after_ms'])} after it was shown. {paid}"


OFFER_ENDS: Final = {
    "claimed": "all its places were claimed",
    "window_over": "its time was over",
    "canceled": "the lead ended in another way",
}


def _offer_closed(event: EventRow, _context: EventContext) -> str:
    reason, claims = event.data["reason"], event.data["claims"]
    text = f"The offer closed: {OFFER_ENDS.get(reason, reason)}."
    claimed = (
        f"{wording.count(claims, 'buyer')} claimed the lead." if claims else "No buyer claimed the lead."
    )
    refused = len(event.data.get("losers") or ())
    return f"{text} {claimed}{_describe_refused(refused, others=bool(claims))}"


def _describe_refused(refused: int, *, others: bool) -> str:
    """`others`: other buyers claimed the lead."""
    if not refused:
        return ""
    claim = "claim" if refused == 1 else "claims"
    was = "was" if refused == 1 else "were"
    return f" The {claim} of {wording.count(refused, 'other buyer' if others else 'buyer')} {was} refused."


def _auction_opened(event: EventRow, _context: EventContext) -> str:
    return describe_opening(event.data)


def _bid_received(event: EventRow, context: EventContext) -> str:
    return describe_bid(event.data, context.names.buyer(event.buyer_id).name)


def _auction_closed(event: EventRow, _context: EventContext) -> str:
    return describe_closing(event.data)


def _failed(event: EventRow, context: EventContext) -> str:
    result = RESULTS.get(event.outcome, event.outcome or "failed")
    parts = [f"{wording.sentence(result)[:-1]}: {describe_reason(event.skip_reason)}"]
    emptied_by = event.data.get("emptied_by")
    if emptied_by:
        parts.append(f"The last remaining buyer dropped out: {describe_clause(emptied_by)}.")
    first_lead_id = event.data.get("first_lead_id")
    if first_lead_id is not None:
        parts.append(f"The earlier lead is {context.names.lead(first_lead_id)}.")
    due_at = wording.parse_moment(event.data.get("due_at"))
    if due_at is not None and event.skip_reason == "workspace_paused":
        parts.append("It will be tried again when the workspace is resumed.")
    elif due_at is not None:
        when = f"Due again at {wording.moment(due_at)}"
        waits = event.outcome == "deferred" and emptied_by
        parts.append(f"{when}, when {WAITED_FOR}." if waits else f"{when}.")
    elif needs_person(event.outcome):
        parts.append(_who_must_act(event.skip_reason))
    return " ".join(parts)


def _who_must_act(reason: str) -> str:
    known = SKIP_REASONS.get(reason)
    if known is not None and known.fixer is Fixer.LEAD:
        return "No one has to act."
    helped_by = {Fixer.AGENCY: "the agency can fix it", Fixer.BUYER: "the buyers can fix it"}
    who = helped_by.get(known.fixer) if known else None
    return f"Someone must act: {who}." if who else "Someone must act."


CONSENT_PROOFS: Final = MappingProxyType(
    {"given_at": "the time at which the person agreed", "token": "a certificate of the consent"}
)


def _gated(event: EventRow, _context: EventContext) -> str:
    text = "waits until the person is verified, in a call or by an operator"
    if event.data["needed"] == "unless_consent":
        proof = CONSENT_PROOFS.get(event.data["consent_kind"], event.data["consent_kind"])
        text = f"{text}; it would not with {proof}"
    return wording.sentence(text)


EVENT_WORDS: Final[Mapping[str, Callable[[EventRow, EventContext], str]]] = {
    Event.DISTRIBUTION_STARTED: _started,
    Event.ROUTED: _routed,
    Event.CAMPAIGN_RESOLVED: _campaign,
    Event.PRICING_COMPUTED: _price,
    Event.BUYER_POOL_COMPOSED: _pool,
    Event.BUYER_SKIPPED: _skipped,
    Event.BUYER_SELECTED: _selected,
    Event.DISTRIBUTED: _distributed,
    Event.FAILED: _failed,
    Event.DELIVERY_STARTED: _delivery_started,
    Event.DELIVERY_ACCEPTED: _delivery_accepted,
    Event.DELIVERY_REJECTED: _delivery_rejected,
    Event.GATED_FOR_VERIFICATION: _gated,
    Event.PING_POST_OPENED: _offer_opened,
    Event.PING_POST_CLAIMED: _offer_claimed,
    Event.PING_POST_CLOSED: _offer_closed,
    Event.AUCTION_OPENED: _auction_opened,
    Event.BID_RECEIVED: _bid_received,
    Event.AUCTION_CLOSED: _auction_closed,
}
