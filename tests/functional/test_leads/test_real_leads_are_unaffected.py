"""Test leads among real leads change nothing for the real ones. The oracle is the same day without the test leads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.attempts import record
from distribution.attempts.campaigns import CAMPAIGNS
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, CampaignMode, Enrollment, LedgerEntry, Wallet
from routing.calendar.windows import WINDOW_KINDS
from routing.intake.parse import parse_lead
from routing.intake.store import store_lead
from routing.models import Lead, LeadStatus, Source
from tests.support.factories import CampaignFactory, EnrollmentFactory, SourceFactory
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 3, 15, tzinfo=UTC)
PRICE_CENTS = 2_500
COUNTERS = [f"{kind}_{what}" for kind in WINDOW_KINDS for what in ("leads", "spent_cents")]


@dataclass(frozen=True)
class Arrival:
    """`person`: whose lead it is. `comes_back`: a buyer returns it at once."""

    is_test: bool
    person: int
    comes_back: bool


@dataclass(frozen=True)
class Day:
    """`buyers`: the credits (in leads), the daily cap, the weight and the bid of each."""

    mode: str
    max_buyers: int
    buyers: list[tuple[int, int | None, int, int | None]]
    arrivals: list[Arrival]


@dataclass
class Ended:
    """What a day leaves: for real leads how each ended, and everything that counts or costs."""

    leads: list[tuple[Any, ...]] = field(default_factory=list)
    tests_sold: int = 0
    balances: list[tuple[int, int]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    counters: list[tuple[Any, ...]] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)


DAYS = st.builds(
    Day,
    mode=st.sampled_from(CampaignMode.values),
    max_buyers=st.integers(1, 2),
    buyers=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.none() | st.integers(1, 3),
            st.integers(1, 3),
            st.none() | st.sampled_from([2_000, PRICE_CENTS, 3_000]),
        ),
        min_size=1,
        max_size=3,
    ),
    arrivals=st.lists(
        st.builds(Arrival, is_test=st.booleans(), person=st.integers(0, 5), comes_back=st.booleans()),
        min_size=1,
        max_size=10,
    ),
)


@contextmanager
def undone() -> Iterator[None]:
    """Undo everything at the end: both days begin in the same world, with the same ids."""
    CAMPAIGNS.clear()
    start = transaction.savepoint()
    yield
    transaction.savepoint_rollback(start)
    CAMPAIGNS.clear()


def build(day: Day) -> tuple[Campaign, Source]:
    campaign = CampaignFactory(
        mode=day.mode, max_buyers=day.max_buyers, price_cents=PRICE_CENTS, returns_restore_caps=True
    )
    for leads, cap, weight, bid in day.buyers:
        EnrollmentFactory(
            campaign=campaign,
            buyer__credits_cents=leads * PRICE_CENTS,
            cap_day=cap,
            weight=weight,
            bid_cents=bid,
        )
    return campaign, SourceFactory(workspace=campaign.workspace)


def receive(arrival: Arrival, number: int, *, source: Source) -> int:
    payload = {
        "zip": "30312",
        "email": f"person{arrival.person}@example.com",
        "external_id": str(number) if arrival.is_test else None,
        "is_test": arrival.is_test,
    }
    lead = parse_lead(payload, default_vertical="roofing", at=AT)
    return store_lead(lead, source=source, channel="api", at=AT, is_woken=False).lead_id


def live_through(day: Day, arrivals: list[Arrival], *, source: Source, campaign: Campaign) -> Ended:
    ended = Ended()
    places = {
        pk: place for place, pk in enumerate(campaign.enrollments.order_by("pk").values_list("pk", flat=True))
    }
    for number, arrival in enumerate(arrivals):
        lead_id = receive(arrival, number, source=source)
        outcome = distribute_lead(lead_id, at=AT)
        sales = Assignment.objects.filter(lead_id=lead_id).order_by("pk")
        sold = [(places[sale.enrollment_id or 0], sale.price_cents) for sale in sales]
        if arrival.comes_back and sales:
            return_assignment(sales[0].public_id, actor="test", reason="wrong number", at=AT)
        if arrival.is_test:
            ended.tests_sold += len(sold)
        else:
            ended.leads.append((outcome.result, outcome.skip_reason, sold, outcome.charged_cents))
    read_state(ended, campaign)
    assert len(day.buyers) == len(ended.balances)
    return ended


def read_state(ended: Ended, campaign: Campaign) -> None:
    enrollments = list(Enrollment.objects.filter(campaign=campaign).order_by("pk"))
    ended.counters = [
        (each.counted_on, each.virtual_finish, *(getattr(each, name) for name in COUNTERS))
        for each in enrollments
    ]
    served = [each for each in enrollments if each.last_assigned_at is not None]
    ended.turns = [
        enrollments.index(each) for each in sorted(served, key=lambda each: str(each.last_assigned_at))
    ]
    wallets = Wallet.objects.filter(buyer__enrollments__campaign=campaign).order_by("buyer_id")
    ended.balances = list(wallets.values_list("balance_cents", "held_cents"))
    entries = LedgerEntry.objects.filter(wallet__in=wallets).order_by("pk")
    ended.entries = list(entries.values_list("wallet_id", "kind", "amount_cents", "balance_after_cents"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=DAYS)
def test_day_ends_as_without_its_test_leads(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "seed_of", lambda _: 7)  # one tie-break in both days
    campaign, source = build(day)
    with undone():
        mixed = live_through(day, day.arrivals, source=source, campaign=campaign)
    with undone():
        real = [each for each in day.arrivals if not each.is_test]
        alone = live_through(day, real, source=source, campaign=campaign)
    alone.tests_sold = mixed.tests_sold
    assert mixed == alone


def test_test_lead_is_sold_as_a_real_one_would_be() -> None:
    """The oracle above would hold too if test leads were never sold."""
    day = Day("priority", 1, [(1, None, 1, None)], [])
    campaign, source = build(day)
    arrivals = [Arrival(is_test=True, person=0, comes_back=False) for _ in range(3)]
    assert live_through(day, arrivals, source=source, campaign=campaign).tests_sold == 3
    assert set(Lead.objects.values_list("status", flat=True)) == {LeadStatus.DISTRIBUTED}
