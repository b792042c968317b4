"""Sentences for a sale, and for the answer of the buyer's system that it waits for. Pure."""

from tracing import wording
from tracing.event_rows import EventContext, EventRow
from tracing.reason_words import describe_reason


def describe_sale(event: EventRow, _context: EventContext) -> str:
    buyers: int = event.data["buyers"]
    in_all = " in all" if buyers > 1 else ""
    sold = f"old to {wording.count(buyers, 'buyer')} for {wording.money(event.cost_cents)}{in_all}."
    text = f"Test: s{sold} No buyer was charged." if event.data.get("is_test") else f"S{sold}"
    ended_by = event.data.get("ended_by")
    return f"{text} No other buyer gets it: {describe_reason(ended_by)}" if ended_by else text


def describe_delivery(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    text = f"{name}: its system is asked whether it accepts the lead. {price} is held until it answers."
    if event.data.get("is_test"):
        text = f"{name}: its system is asked at its test URL whether it accepts the lead. Nothing is held."
    deadline_at = wording.parse_moment(event.data["deadline_at"])
    if deadline_at is None:
        return text
    return f"{text} If it rejects the lead, other buyers are asked until {wording.moment(deadline_at)}."


def describe_acceptance(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    held = event.data.get("held_cents")
    rest = "" if held is None else f" of the {wording.money(held)} that was held"
    paid = (
        "Nothing was charged: it is a test." if event.data.get("is_test") else f"{price}{rest} was charged."
    )
    return f"{name}: its system accepted the lead. {paid}"


def describe_rejection(event: EventRow, context: EventContext) -> str:
    name, price = context.names.buyer(event.buyer_id).name, wording.money(event.cost_cents)
    reason = event.data["reason"]
    said = f', with the reason "{reason}"' if reason else " without a reason"
    released = "" if event.data.get("is_test") else f" {price} is no longer held."
    return f"{name}: its system rejected the lead{said}.{released}"
