"""What the source of a lead was promised by its ping, and what became of it."""

from typing import Final

from django.db.models import Sum

from distribution.explain.types import TracedPromise
from distribution.models import PayableEntry, PayableKind
from routing.models import Lead, LeadStatus, Ping
from tracing import wording

REFUSED: Final = frozenset({"below_promised_price", "promise_ended"})
SOLD: Final = frozenset({LeadStatus.DISTRIBUTED, LeadStatus.RETURNED})


def describe_promise(lead: Lead) -> TracedPromise | None:
    """None: the lead came without a ping. Two statements otherwise."""
    ping = lead.ping
    if ping is None or ping.price_cents is None:
        return None
    ends_at = lead.received_at + ping.promise_lasts
    earned_cents = _read_earned(lead)
    outcome = _find_outcome(lead, earned_cents)
    return TracedPromise(
        ping_id=ping.public_id,
        price_cents=ping.price_cents,
        asked_at=ping.created_at,
        ends_at=ends_at,
        earned_cents=earned_cents,
        outcome=outcome,
        reason=lead.skip_reason if outcome in ("waiting", "not_sold") else "",
        sentence=" ".join((_describe_ping(lead, ping), _describe_outcome(lead, outcome, earned_cents))),
    )


def _read_earned(lead: Lead) -> int | None:
    """None: no sale under a contract. What a source earns is confidential to other workspaces."""
    if lead.workspace_id != lead.source_workspace_id:
        return None
    earned = PayableEntry.objects.filter(lead=lead, kind=PayableKind.EARNED)
    total: int | None = earned.aggregate(total=Sum("amount_cents"))["total"]
    return total


def _find_outcome(lead: Lead, earned_cents: int | None) -> str:
    if earned_cents is not None or lead.status in SOLD:
        return "sold"
    return "waiting" if lead.finished_at is None and lead.status != LeadStatus.FAILED else "not_sold"


def _describe_ping(lead: Lead, ping: Ping) -> str:
    ends_at = lead.received_at + ping.promise_lasts
    waited = (lead.received_at - ping.created_at).total_seconds()
    return (
        f"{wording.money(ping.price_cents or 0)} was promised to its source at {wording.moment(ping.created_at)}."
        f" The lead came {waited:,.1f} s later. It was promised until {wording.moment(ends_at)}."
    )


def _describe_outcome(lead: Lead, outcome: str, earned_cents: int | None) -> str:
    if outcome == "sold":
        return "It is sold." if earned_cents is None else f"Its source earned {wording.money(earned_cents)}."
    because = lead.skip_reason.replace("_", " ") if lead.skip_reason in REFUSED else ""
    if outcome == "waiting":
        return f"It is not sold yet{f': {because}' if because else ''}."
    return f"It was not sold{f': {because}' if because else ''}."
