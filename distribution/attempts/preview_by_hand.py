"""What a manual assignment would do for each buyer that can be chosen: price, balance, and failing gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from distribution.attempts.assign_by_hand import find_campaign, refuse_closed, state_of_sale
from distribution.attempts.decide_under_lock import read_facts
from distribution.engine import LiveFacts, Skip, decide
from distribution.engine.gates import is_overridable
from distribution.engine.verification import list_overridden
from distribution.models import Enrollment
from routing.leads.actions import ActionRefused
from routing.locks.attempts import lock_lead
from tracing.obstacles import describe_clause, describe_gate
from tracing.wording import money

NO_ENROLLMENT: Final = 0  # no such enrollment: the engine screens all buyers and selects none, at any hour


@dataclass(frozen=True, slots=True)
class Preview:
    """`overridden`: the gates that the sale would override, in words. `not_overridable`: the others that fail."""

    enrollment: Enrollment
    price_cents: int
    balance_cents: int
    overridden: tuple[str, ...]
    not_overridable: tuple[str, ...]
    state: str  # of the price and the overridden gates

    @property
    def price(self) -> str:
        return money(self.price_cents)

    @property
    def balance(self) -> str:
        return money(self.balance_cents)

    @property
    def balance_after(self) -> str:
        return money(self.balance_cents - self.price_cents)


def preview_sale_by_hand(lead_id: int, *, enrollments: Sequence[Enrollment]) -> Sequence[Preview]:
    """Return one preview for each of these enrollments. Needs `buyer` loaded. Writes nothing. Raises ActionRefused."""
    with transaction.atomic():
        lead = lock_lead(lead_id)
        if lead is None:
            raise ActionRefused("the lead is being processed right now; try again")
        at = lead.locked_at
        refuse_closed(lead, at=at)
        campaign = find_campaign(lead)
        facts = read_facts(lead, campaign=campaign, at=at, seed=0, chosen=NO_ENROLLMENT)
    decision = decide(campaign, facts)
    skips = {skip.enrollment_id: skip for skip in decision.skipped}
    of_lead = list_overridden(campaign, facts)
    is_full = facts.lead.sold_count >= campaign.max_buyers
    return [
        _preview(each, skips[each.pk], facts.live[each.pk], of_lead=of_lead, is_full=is_full)
        for each in enrollments
        if each.pk in skips
    ]


def _preview(
    enrollment: Enrollment, skip: Skip, live: LiveFacts, *, of_lead: Sequence[str], is_full: bool
) -> Preview:
    zone = enrollment.buyer.timezone
    overridable = [gate for gate in skip.gates if is_overridable(gate)]
    not_overridable = [
        describe_gate(gate, timezone=zone).finding for gate in skip.gates if not is_overridable(gate)
    ]
    if is_full:
        not_overridable.append("the lead is already sold to as many buyers as its campaign allows")
    codes = dict.fromkeys((*of_lead, *(gate["gate"] for gate in overridable)))
    findings = (
        *map(describe_clause, of_lead),
        *(describe_gate(gate, timezone=zone).finding for gate in overridable),
    )
    return Preview(
        enrollment=enrollment,
        price_cents=skip.price_cents,
        balance_cents=live.balance_cents,
        overridden=findings,
        not_overridable=tuple(not_overridable),
        state=state_of_sale(skip.price_cents, tuple(codes)),
    )
