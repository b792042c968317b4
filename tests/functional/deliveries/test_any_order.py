"""Any order of answers, retries, crashes, returns, resends and decisions by hand: one end for each delivery and hold.

The buyers of this test are honest: a system that took the lead says no to a repetition, as a duplicate, and a person
who decides knows whether the buyer has the lead. What the buyers have is counted in plain Python, beside the product.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import ResolutionRefused, resend, resolve
from distribution.deliveries.claim import claim_due
from distribution.deliveries.content import Work, read_work
from distribution.deliveries.leases import end_expired
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.results import record_results
from distribution.deliveries.tried import Tried
from distribution.models import (
    ENDED,
    Assignment,
    Delivery,
    DeliveryState,
    Endpoint,
    Enrollment,
    LedgerEntry,
    Wallet,
)
from distribution.reconcile import deliveries, holds
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused
from routing.models import Lead
from tests.functional.verify import oracle
from tests.functional.verify.world import broken
from tests.support.direct_posts import CREDITS_CENTS, PRICE_CENTS, dead_url, enroll_with, posting_campaign
from tests.support.factories import EndpointFactory, LeadFactory
from tests.support.returning import return_assignment

pytestmark = pytest.mark.usefixtures("committed_db")

EXAMPLES: Final = 25
# What a buyer's system does with a request, and what is known of it: whether it takes the lead, and the outcome.
ANSWERS: Final = {
    "accepts": (True, Outcome.ACCEPTED),
    "rejects": (False, Outcome.REJECTED),
    "takes it and breaks": (True, Outcome.UNKNOWN),
    "breaks": (False, Outcome.UNKNOWN),
    "is down": (False, Outcome.NOT_SENT),
}
STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("attempt", "request", "request", "record", "record", "repeat", "lose", "expire"),
                *("return_sale", "resend", "decide", "switch", "reconcile"),
            ]
        ),
        st.sampled_from(sorted(ANSWERS)),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=30,
)
KINDS: Final = {
    "held": ["hold"],
    "sold": ["capture", "hold"],
    "rejected": ["hold", "release"],
    "returned": ["capture", "hold", "refund"],
}


@dataclass
class World:
    """`has`: the buyers whose system took the lead. `running`: requests whose result is not written."""

    lead: Lead
    buyers: list[int]
    at: datetime
    has: set[int] = field(default_factory=set)
    running: list[Tried] = field(default_factory=list)
    written: list[Tried] = field(default_factory=list)
    ends: dict[int, str] = field(default_factory=dict)

    def attempt(self, _: str, __: int) -> None:
        distribute_lead(self.lead.pk, at=self.at)

    def request(self, answer: str, _: int) -> None:
        """Requests go out, and the buyers' systems work on them at once."""
        due = Delivery.objects.filter(state="pending", endpoint__active=True).order_by("next_try_at").first()
        if due is None or due.next_try_at is None:
            return
        self.at = max(self.at, due.next_try_at)
        claims = claim_due(limit=10, at=self.at)
        live = Assignment.objects.filter(pk__in=[each.assignment_id for each in claims])
        assert set(live.values_list("state", flat=True)) <= {"sold", "held"}
        self.running += [self.ask(work, answer) for work in read_work(claims, at=self.at)]

    def ask(self, work: Work, answer: str) -> Tried:
        buyer_id = work.endpoint.buyer_id
        takes, outcome = ANSWERS[answer]
        if buyer_id in self.has and outcome is Outcome.ACCEPTED and work.claimed.is_direct_post:
            outcome = Outcome.REJECTED  # a duplicate
        if takes:
            self.has.add(buyer_id)
        status = {Outcome.ACCEPTED: 200, Outcome.REJECTED: 422, Outcome.UNKNOWN: 500}.get(outcome)
        error = "" if outcome in (Outcome.ACCEPTED, Outcome.REJECTED) else "test"
        return Tried(work, Judgment(outcome=outcome, reason="no", error=error), 5, status)

    def record(self, _: str, which: int) -> None:
        if self.running:
            tried = self.running.pop(which % len(self.running))
            self.written.append(tried)
            record_results([tried], at=self.at)

    def repeat(self, _: str, which: int) -> None:
        """The commit was done, but its confirmation was lost."""
        if self.written:
            record_results([self.written[which % len(self.written)]], at=self.at)

    def lose(self, _: str, which: int) -> None:
        """The deliverer dies with the result."""
        if self.running:
            self.running.pop(which % len(self.running))

    def expire(self, _: str, __: int) -> None:
        """Results that come afterwards are late."""
        leases = Delivery.objects.filter(state="posting").values_list("leased_until", flat=True)
        self.at = max([self.at, *filter(None, leases)]) + timedelta(seconds=1)
        end_expired(at=self.at, limit=10)

    def return_sale(self, _: str, __: int) -> None:
        sale = Assignment.objects.filter(lead=self.lead, state="sold").first()
        if sale is not None:
            with suppress(ActionRefused):
                return_assignment(sale.public_id, actor="ann", reason="wrong number", at=self.at)

    def resend(self, _: str, which: int) -> None:
        rows = list(Delivery.objects.filter(lead=self.lead).order_by("pk"))
        if rows:
            with suppress(ResolutionRefused):
                resend(rows[which % len(rows)].pk, at=self.at, actor="ann", reason="again")

    def decide(self, _: str, which: int) -> None:
        rows = list(Delivery.objects.filter(lead=self.lead).exclude(state__in=ENDED).order_by("pk"))
        if rows:
            self.decide_about(rows[which % len(rows)])

    def decide_about(self, row: Delivery) -> None:
        is_taken = row.endpoint.buyer_id in self.has
        state = DeliveryState.ACCEPTED if is_taken else DeliveryState.REJECTED
        with suppress(ResolutionRefused):  # it is being sent
            resolve(row.pk, state=state, at=self.at, actor="ann", reason="asked")

    def switch(self, _: str, which: int) -> None:
        endpoint = Endpoint.objects.filter(buyer_id__in=self.buyers).order_by("pk")[which % 3]
        Endpoint.objects.filter(pk=endpoint.pk).update(active=not endpoint.active)

    def reconcile(self, _: str, __: int) -> None:
        deliveries.run(fix=True, limit=10)
        holds.run(fix=True, limit=10)

    def check(self) -> None:
        assert len(self.has) <= 1, "two buyers have an exclusive lead"
        self.check_sales()
        for row in Delivery.objects.filter(lead=self.lead):
            if row.pk in self.ends or row.state in ENDED:
                assert self.ends.setdefault(row.pk, row.state) == row.state, "it has two ends"

    def check_sales(self) -> None:
        sales = list(Assignment.objects.filter(lead=self.lead))
        for sale in sales:
            kinds = LedgerEntry.objects.filter(assignment=sale).order_by("kind")
            assert list(kinds.values_list("kind", flat=True)) == KINDS[sale.state]
            if sale.state != "held":
                assert (sale.buyer_id in self.has) == (sale.state != "rejected")
        for buyer_id in self.buyers:
            own = [sale.state for sale in sales if sale.buyer_id == buyer_id]
            wallet = Wallet.objects.get(buyer_id=buyer_id)
            spent, held = PRICE_CENTS * own.count("sold"), PRICE_CENTS * own.count("held")
            assert (wallet.balance_cents, wallet.held_cents) == (CREDITS_CENTS - spent, held)

    def finish(self) -> None:
        """Every result arrives or is lost, and a person answers every question."""
        self.running.clear()
        self.expire("", 0)
        while row := Delivery.objects.filter(lead=self.lead).exclude(state__in=ENDED).first():
            self.decide_about(row)
            self.check()
        assert not Delivery.objects.filter(lead=self.lead).exclude(state__in=ENDED).exists()
        assert not Assignment.objects.filter(lead=self.lead, state="held").exists()


def build_world() -> World:
    """Three endpoints: the first buyer has two, of which one is asked and the other gets the sold lead."""
    Endpoint.objects.update(active=False)  # a failed example must not reach into the next one
    campaign = posting_campaign(post_deadline_seconds=3_600)
    first = enroll_with(campaign, priority=2, url=dead_url())
    EndpointFactory(buyer=first.buyer, method="http", url=dead_url())
    second = enroll_with(campaign, priority=1, url=dead_url())
    return World(new_lead(first), [first.buyer_id, second.buyer_id], timezone.now())


def new_lead(enrollment: Enrollment) -> Lead:
    lead: Lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    return lead


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=STEPS)
@example([("request", "accepts", 0), ("record", "", 0), ("return_sale", "", 0)])
@example(
    [("request", "takes it and breaks", 0), ("record", "", 0), ("request", "accepts", 0), ("record", "", 0)]
)
@example([("request", "accepts", 0), ("expire", "", 0), ("request", "accepts", 0), ("record", "", 0)])
def follow(steps: list[tuple[str, str, int]]) -> None:
    world = build_world()
    for name, answer, which in [("attempt", "", 0), *steps]:
        getattr(world, name)(answer, which)
        world.check()
    world.finish()
    world.check()


def test_every_order_has_one_end_and_exact_money() -> None:
    follow()

    seen = set(Delivery.objects.values_list("state", flat=True))
    assert seen == set(ENDED)
    assert set(Assignment.objects.values_list("state", flat=True)) == {"sold", "rejected", "returned"}
    assert broken(run_verification()) == oracle.judge() == {}
