"""Sentences for the events of offers. Pure."""

from typing import Final

from tracing import wording
from tracing.event_rows import EventContext, EventRow

OFFER_ENDS: Final = {
    "claimed": "all its places were claimed",
    "window_over": "its time was over",
    "canceled": "the lead ended in another way",
}


def describe_offer(event: EventRow, _context: EventContext) -> str:
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


def describe_claim(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    paid = "Nothing was charged: it is a test." if event.data.get("is_test") else f"{price} was charged."
    return f"{name}: claimed the lead {wording.duration(event.data['after_ms'])} after it was shown. {paid}"


def describe_end_of_offer(event: EventRow, _context: EventContext) -> str:
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
