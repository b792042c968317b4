"""Fixing a cause by a form, a command or SQL retries the leads that did not sell because of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.models import Assignment, Buyer, Campaign, Enrollment, Tier
from distribution.money.wallet import adjust, set_credit_limit, top_up
from routing.models import RoutingRule, Wakeup, Workspace
from tests.support.admin_pages import client_of, save
from tests.support.admin_pages import person as user
from tests.support.explanations import to_text
from tests.support.factories import (
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    RuleFactory,
    WorkspaceFactory,
    give_credits,
)
from tests.support.returning import return_assignment
from tests.support.waking import came, fresh, is_due, world
from tracing.models import Attempt, LeadDistributionEvent
from tracing.vocabulary import WAKE_CAUSES

pytestmark = pytest.mark.django_db

NO_LEAD = {"field": "zip", "op": "eq", "value": "99501"}
# A minute of each week other than the current one.
CLOSED = {
    ("mon" if datetime.now(UTC).weekday() >= 3 else "sun"): [["12:00", "12:01"]],
}


def sql(statement: str, *parameters: object) -> None:
    """As in psql."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


# The cause, its fix, and the cause that the next attempt names.
Case = tuple[dict[str, Any], Callable[[Enrollment], object], str]
CASES: dict[str, Case] = {
    "cap": (
        {"cap_day": 0},
        lambda place: Enrollment.objects.filter(pk=place.pk).update(cap_day=9),
        "cap_raised",
    ),
    "cap removed by SQL": (
        {"cap_month": 0},
        lambda place: sql("UPDATE distribution_enrollment SET cap_month = NULL WHERE id = %s", place.pk),
        "cap_raised",
    ),
    "budget": (
        {"budget_week_cents": 100},
        lambda place: Enrollment.objects.filter(pk=place.pk).update(budget_week_cents=9_000),
        "cap_raised",
    ),
    "enrollment paused": (
        {"active": False},
        lambda place: Enrollment.objects.filter(pk=place.pk).update(active=True),
        "enrollment_resumed",
    ),
    "buyer paused": (
        {"buyer__paused_at": datetime(2026, 1, 1, tzinfo=UTC)},
        lambda place: Buyer.objects.filter(pk=place.buyer_id).update(paused_at=None),
        "buyer_resumed",
    ),
    "no credits": (
        {"credits_cents": 0},
        lambda place: top_up(place.buyer_id, amount_cents=9_000, key="t", actor="ann"),
        "credits_added",
    ),
    "no credits, adjusted": (
        {"credits_cents": 0},
        lambda place: adjust(place.buyer_id, amount_cents=9_000, key="t", actor="ann", reason="gift"),
        "credits_added",
    ),
    "credit limit": (
        {"credits_cents": 0},
        lambda place: set_credit_limit(place.buyer_id, limit_cents=9_000),
        "credit_limit_raised",
    ),
    "area": (
        {"buyer__service_area": {"zips": ["99501"]}},
        lambda place: Buyer.objects.filter(pk=place.buyer_id).update(service_area={"everywhere": True}),
        "area_changed",
    ),
    "answers": (
        {"campaign": {"questions": [{"key": "types", "field": "zip", "op": "in", "required": True}]}},
        lambda place: Buyer.objects.filter(pk=place.buyer_id).update(answers={"types": ["30312"]}),
        "answers_changed",
    ),
    "filter": (
        {"lead_filter": NO_LEAD},
        lambda place: Enrollment.objects.filter(pk=place.pk).update(lead_filter={}),
        "filter_changed",
    ),
    "tier filter": (
        {},
        lambda place: Tier.objects.filter(pk=place.tier_id).update(content_filter={}),
        "filter_changed",
    ),
    "buyer closed": (
        {"buyer__hours": CLOSED},
        lambda place: Buyer.objects.filter(pk=place.buyer_id).update(hours={}),
        "hours_changed",
    ),
    "campaign closed": (
        {"campaign": {"schedule": CLOSED}},
        lambda place: Campaign.objects.filter(pk=place.campaign_id).update(schedule={}),
        "schedule_changed",
    ),
    "campaign inactive": (
        {"campaign": {"active": False}},
        lambda place: Campaign.objects.filter(pk=place.campaign_id).update(active=True),
        "campaign_resumed",
    ),
    "vertical": (
        {"campaign": {"vertical": "solar"}},
        lambda place: Campaign.objects.filter(pk=place.campaign_id).update(vertical="roofing"),
        "campaign_changed",
    ),
    "price": (
        {"campaign": {"price_cents": 900_000}},
        lambda place: Campaign.objects.filter(pk=place.campaign_id).update(price_cents=100),
        "price_changed",
    ),
    "bid": (
        {"bid_cents": 900_000},
        lambda place: Enrollment.objects.filter(pk=place.pk).update(bid_cents=None),
        "price_changed",
    ),
    "workspace closed": (
        {"campaign": {"workspace__hours": CLOSED}},
        lambda place: Workspace.objects.filter(pk=place.campaign.workspace_id).update(hours={}),
        "workspace_hours_changed",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fixed_cause_retries_its_lead(name: str) -> None:
    fields, fix, cause = CASES[name]
    place = world(**fields)
    if name == "tier filter":
        Tier.objects.filter(pk=place.tier_id).update(content_filter=NO_LEAD)
        Wakeup.objects.all().delete()
    lead = came(place)
    assert distribute_lead(lead.pk).result in ("unsold", "deferred")

    fix(place)

    assert fresh(lead).due_reason == cause
    assert is_due(lead)
    assert distribute_lead(lead.pk).result == "success"
    attempt = Attempt.objects.get(lead_id=lead.pk, number=2)
    started = LeadDistributionEvent.objects.get(attempt_id=attempt.pk, seq=1)
    change = Wakeup.objects.get(cause=cause)
    assert attempt.trigger == "woken"
    assert started.data == {"number": 2, "trigger": "woken", "woken_by": cause, "change": change.pk}
    assert f"(woken by: {WAKE_CAUSES[cause]})" in to_text(explain(fresh(lead)), width=200)


def test_new_enrollment_gets_the_waiting_leads() -> None:
    campaign = CampaignFactory()
    lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).skip_reason == "no_enrolled_buyers"

    EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)

    assert fresh(lead).due_reason == "buyer_enrolled"
    assert distribute_lead(lead.pk).result == "success"


def test_returned_sale_wakes_leads_that_waited_for_its_cap() -> None:
    place = world(cap_month=1)
    sold, waits = came(place), came(place)
    assert [distribute_lead(each.pk).result for each in (sold, waits)] == ["success", "deferred"]

    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="wrong number")

    assert fresh(waits).due_reason == "sale_returned"
    assert distribute_lead(waits.pk).result == "success"
    assert fresh(sold).next_attempt_at is None


def test_new_rule_wakes_leads_of_its_workspace() -> None:
    place, partner = world(), WorkspaceFactory(kind="partner")
    lead = LeadFactory(source__workspace=partner)
    assert distribute_lead(lead.pk).skip_reason == "no_campaign"

    rule = RuleFactory(workspace=partner, destination=place.campaign.workspace, active=False)
    assert not is_due(lead)
    RoutingRule.objects.filter(pk=rule.pk).update(active=True)

    assert fresh(lead).due_reason == "rule_changed"
    assert distribute_lead(lead.pk).result == "success"


@pytest.mark.parametrize(
    "change",
    [
        {"cap_day": 0},
        {"cap_day": 1},
        {"weight": 5},
        {"priority": 9},
        {"active": False},
        {"budget_day_cents": 1},
    ],
)
def test_change_without_help_wakes_nothing(change: dict[str, Any]) -> None:
    place = world(cap_day=1, budget_day_cents=100_000)
    leads = [came(place) for _ in range(2)]
    assert [distribute_lead(each.pk).result for each in leads] == ["success", "deferred"]
    before, changes = fresh(leads[1]), Wakeup.objects.count()

    Enrollment.objects.filter(pk=place.pk).update(**change)

    assert fresh(leads[1]).next_attempt_at == before.next_attempt_at
    assert Wakeup.objects.count() == changes


def test_sale_writes_no_change() -> None:
    """The hot path costs one comparison."""
    place = world()
    before = Wakeup.objects.count()

    assert distribute_lead(came(place).pk).result == "success"

    assert Wakeup.objects.count() == before


class TestPages:
    """A person who fixes the cause in a form reads how many leads it affects."""

    @pytest.fixture
    def client(self) -> Client:
        return client_of(user("admin"))

    def test_message_counts_leads_that_a_raised_cap_wakes(self, client: Client) -> None:
        place = world(cap_day=0)
        for _ in range(2):
            distribute_lead(came(place).pk)

        answer = save(client, Enrollment, place, cap_day="9")

        assert "2 leads that were not sold will be tried again." in client.get(answer.url).content.decode()

    def test_message_counts_leads_that_a_top_up_wakes(self, client: Client) -> None:
        place = world(credits_cents=0)
        distribute_lead(came(place).pk)
        url = reverse("admin:distribution_wallet_money", args=[place.buyer.wallet.pk, "topup"])
        form = client.get(url).context["form"]

        sent = {"amount": "90", "reason": "invoice 7", "token": str(form["token"].value())}
        answer = client.post(url, sent, follow=True)

        assert "1 lead that was not sold will be tried again." in answer.content.decode()

    def test_no_message_without_a_lead(self, client: Client) -> None:
        place = world(cap_day=0)

        answer = save(client, Enrollment, place, cap_day="9")

        assert "tried again" not in client.get(answer.url).content.decode()


def test_credits_of_an_unenrolled_buyer_wake_nothing() -> None:
    """A buyer without a campaign wakes no lead."""
    place = world(cap_day=0)
    lead = came(place)
    distribute_lead(lead.pk)
    before = fresh(lead).next_attempt_at

    give_credits(place.buyer, amount_cents=100, key="more")

    assert fresh(lead).next_attempt_at == before
