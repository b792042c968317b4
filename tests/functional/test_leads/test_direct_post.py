"""A test lead in a campaign that sells on acceptance: the test URL is asked, and no money is held or charged."""

import json
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import resolve
from distribution.explain.lead import explain
from distribution.models import (
    Assignment,
    Campaign,
    Delivery,
    DeliveryState,
    Endpoint,
    Enrollment,
    LedgerEntry,
    Wallet,
)
from distribution.reconcile import holds
from distribution.verify import run_verification
from routing.models import Lead
from tests.functional.verify import oracle
from tests.functional.verify.world import broken
from tests.support.buyer_system import BuyerSystem, Reply, buyer_system
from tests.support.delivering import deliver_due
from tests.support.direct_posts import (
    CREDITS_CENTS,
    dead_url,
    endpoint_of,
    enroll_with,
    money,
    post,
    posting_campaign,
    states,
)
from tests.support.event_shapes import misshapen
from tests.support.factories import EndpointFactory
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

METRICS = ("leadswitch_assignments_total", "leadswitch_charged_cents_total")


@pytest.fixture
def campaign() -> Campaign:
    return posting_campaign()


@pytest.fixture
def at_test_url() -> Any:
    with buyer_system() as running:
        yield running


@pytest.fixture
def system() -> Any:
    """For leads of real persons. It must not be asked."""
    with buyer_system() as running:
        yield running
        assert running.asked == []


def counted() -> tuple[Any, ...]:
    rows = (Enrollment.objects, Wallet.objects, LedgerEntry.objects)
    return tuple(list(each.order_by("pk").values()) for each in rows)


def read_metrics() -> list[float | None]:
    return [REGISTRY.get_sample_value(name) for name in METRICS]


def steps(lead: Lead) -> list[str]:
    explained = explain(Lead.objects.select_related("workspace", "source").get(pk=lead.pk))
    return [step.sentence for attempt in explained.attempts for step in attempt.steps]


def sentence(lead: Lead) -> str:
    explained = explain(Lead.objects.select_related("workspace", "source").get(pk=lead.pk))
    return explained.sales[-1].sentence


def assert_nothing_changed(before: tuple[Any, ...]) -> None:
    assert counted() == before
    assert LedgerEntry.objects.exclude(kind="topup").count() == 0
    assert broken(run_verification()) == oracle.judge() == {}
    assert misshapen(LeadDistributionEvent.objects.all()) == []


def test_accepted_test_lead_is_sold_without_a_charge(
    campaign: Campaign, system: BuyerSystem, at_test_url: BuyerSystem
) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url, test_url=at_test_url.url)
    before, metrics = counted(), read_metrics()
    lead = post(campaign, is_test=True)
    sale = Assignment.objects.get()
    assert (sale.state, sale.is_test, sale.is_counted) == ("held", True, False)
    delivery = Delivery.objects.get()
    assert (delivery.is_direct_post, delivery.is_test, delivery.assignment_id) == (True, True, sale.pk)
    lead.refresh_from_db()
    assert lead.status == "posting"
    assert sentence(lead).startswith(f"Waiting for the system of {enrollment.buyer.name} since ")
    assert "nothing is held" in sentence(lead)
    assert_nothing_changed(before)

    assert deliver_due().count == 1

    [asked] = at_test_url.asked
    assert json.loads(asked.body)["data"]["is_test"] is True
    assert states(lead) == [(enrollment.buyer_id, "sold")]
    lead.refresh_from_db()
    assert lead.status == "distributed"
    name = enrollment.buyer.name
    assert f"{name}: its system accepted the lead. Nothing was charged: it is a test." in steps(lead)
    assert steps(lead)[-1] == "Test: sold to 1 buyer for $25.00. No buyer was charged."
    assert read_metrics() == metrics
    assert_nothing_changed(before)


def test_rejected_test_lead_goes_to_the_next_buyer(
    campaign: Campaign, system: BuyerSystem, at_test_url: BuyerSystem
) -> None:
    first = enroll_with(campaign, priority=2, url=system.url, test_url=at_test_url.url)
    second = enroll_with(campaign, priority=1, url=system.url, test_url=at_test_url.url)
    at_test_url.answer_with(Reply(422), Reply(200))
    before = counted()
    lead = post(campaign, is_test=True)

    assert deliver_due().due_lead_ids == (lead.pk,)
    assert_nothing_changed(before)
    assert distribute_lead(lead.pk).result == "posting"
    deliver_due()

    assert states(lead) == [(first.buyer_id, "rejected"), (second.buyer_id, "sold")]
    name = first.buyer.name
    assert f'{name}: its system rejected the lead, with the reason "answered 422".' in steps(lead)
    assert_nothing_changed(before)


@pytest.mark.parametrize("lacks", ["test_url", "endpoint"])
def test_buyer_without_a_test_url_is_passed_over_with_the_reason(
    campaign: Campaign, system: BuyerSystem, lacks: str
) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url)
    if lacks == "endpoint":
        Endpoint.objects.update(active=False)
    before = counted()
    lead: Lead = post(campaign, is_test=True)

    assert Delivery.objects.count() == 0
    sale = Assignment.objects.get()
    reason = "LeadSwitch: no active endpoint that can answer and has a test URL"
    assert (sale.buyer_id, sale.state, sale.reject_reason) == (enrollment.buyer_id, "rejected", reason)
    lead.refresh_from_db()
    assert lead.status == "pending"
    assert_nothing_changed(before)


def test_test_url_that_was_removed_is_not_replaced_by_the_real_one(
    campaign: Campaign, system: BuyerSystem, at_test_url: BuyerSystem
) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url, test_url=at_test_url.url)
    lead = post(campaign, is_test=True)
    Endpoint.objects.update(test_url="")

    deliver_due()

    assert at_test_url.asked == []
    assert Delivery.objects.get().end_reason == "no test address"
    assert states(lead) == [(enrollment.buyer_id, "rejected")]


def test_accepted_test_lead_goes_to_the_other_test_urls(
    campaign: Campaign, system: BuyerSystem, at_test_url: BuyerSystem
) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url, test_url=at_test_url.url)
    asked = endpoint_of(enrollment)
    other = EndpointFactory(buyer=enrollment.buyer, url=system.url, test_url=at_test_url.url)
    EndpointFactory(buyer=enrollment.buyer, url=system.url)
    post(campaign, is_test=True)

    deliver_due()

    rows = Delivery.objects.order_by("pk").values_list("endpoint_id", "is_direct_post", "is_test")
    assert list(rows) == [(asked.pk, True, True), (other.pk, False, True)]


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.REJECTED])
def test_person_decides_about_a_test_lead(
    campaign: Campaign, system: BuyerSystem, state: DeliveryState
) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url, test_url=dead_url())
    before = counted()
    lead = post(campaign, is_test=True)

    resolve(Delivery.objects.get().pk, state=state, at=timezone.now(), actor="ann", reason="a test")

    assert states(lead) == [(enrollment.buyer_id, "sold" if state == "accepted" else "rejected")]
    assert_nothing_changed(before)


def test_hold_of_a_test_lead_is_ended_by_the_reconciler(campaign: Campaign, system: BuyerSystem) -> None:
    enrollment = enroll_with(campaign, priority=1, url=system.url, test_url=dead_url())
    before = counted()
    lead = post(campaign, is_test=True)
    Delivery.objects.update(state="accepted", next_try_at=None, ended_at=timezone.now(), ended_by="test")

    assert holds.run(fix=True, limit=10).repaired == 1

    assert states(lead) == [(enrollment.buyer_id, "sold")]
    assert_nothing_changed(before)


def test_real_leads_are_held_beside_a_test_lead(campaign: Campaign, at_test_url: BuyerSystem) -> None:
    with buyer_system() as real_system:
        enrollment = enroll_with(campaign, priority=1, url=real_system.url, test_url=at_test_url.url)
        post(campaign, is_test=True)
        post(campaign)
        assert money(enrollment) == (CREDITS_CENTS, 2_500)
        assert broken(run_verification()) == {}

        deliver_due()

        assert len(real_system.asked) == len(at_test_url.asked) == 1
    assert money(enrollment) == (CREDITS_CENTS - 2_500, 0)
    assert broken(run_verification()) == {}
