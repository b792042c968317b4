"""Each event is written in the transaction of what happened, for its owners alone, with its deliveries."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.payloads.lead import write_time
from distribution.models import Assignment, Buyer, Delivery, Enrollment, Event, Subscription, Wallet
from routing.models import Lead
from tests.support.factories import BuyerFactory, EndpointFactory, EnrollmentFactory, LeadFactory
from tests.support.holds import accept, asking_campaign, lead_of, open_hold, reject
from tests.support.subscribing import data_of, kinds_of, subscribe

pytestmark = pytest.mark.django_db

CREDITS_CENTS = 100_000


@pytest.fixture
def enrollment() -> Enrollment:
    return EnrollmentFactory(buyer__credits_cents=CREDITS_CENTS)


def send(enrollment: Enrollment, **lead: object) -> Lead:
    made: Lead = LeadFactory(source__workspace=enrollment.campaign.workspace, **lead)
    distribute_lead(made.pk)
    return made


def count_statements(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def test_nothing_is_written_without_a_subscription(enrollment: Enrollment) -> None:
    send(enrollment)

    assert Assignment.objects.count() == 1
    assert (Event.objects.count(), Delivery.objects.count()) == (0, 0)


def test_sale_has_as_many_statements_with_a_subscription(enrollment: Enrollment) -> None:
    send(enrollment)  # the first attempt of a campaign stores its snapshot
    leads = [LeadFactory(source__workspace=enrollment.campaign.workspace) for _ in range(2)]
    without = count_statements(lambda: distribute_lead(leads[0].pk))
    subscription = subscribe(enrollment.buyer, "lead.sold")

    assert count_statements(lambda: distribute_lead(leads[1].pk)) == without
    assert kinds_of(subscription) == ["lead.sold"]


def test_sale_tells_buyer_source_and_workspace(enrollment: Enrollment) -> None:
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace, external_id="form-7")
    owners = (enrollment.buyer, lead.source, enrollment.campaign.workspace)
    buyer, source, workspace = (subscribe(owner) for owner in owners)

    distribute_lead(lead.pk)

    sale = Assignment.objects.get()
    assert kinds_of(buyer) == ["lead.sold"]
    assert kinds_of(source) == ["lead.status_changed", "lead.sold"]
    assert kinds_of(workspace) == ["lead.sold", "lead.status_changed"]
    assert data_of(source, "lead.sold") == {
        "lead_id": str(lead.public_id),
        "external_id": "form-7",
        "status": "distributed",
    }
    Delivery.objects.update(state="pending", next_try_at=timezone.now(), leased_until=None, tries=F("tries"))
    assert data_of(buyer, "lead.sold") == {
        "assignment_id": str(sale.public_id),
        "lead_id": str(lead.public_id),
        "campaign_id": str(sale.campaign.public_id),
        "price_cents": sale.price_cents,
    }
    assert {each.happened_at.tzinfo is not None for each in Event.objects.all()} == {True}


def test_others_hear_nothing(enrollment: Enrollment) -> None:
    neighbor = BuyerFactory(workspace=enrollment.campaign.workspace)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    stranger = LeadFactory()
    silent: list[Subscription] = [
        *(subscribe(owner) for owner in (neighbor, stranger.source, stranger.source.workspace)),
        subscribe(enrollment.buyer, active=False),
        subscribe(enrollment.buyer, disabled_at=timezone.now(), disabled_reason="by_hand"),
        subscribe(enrollment.buyer, "wallet.low"),
    ]

    distribute_lead(lead.pk)

    assert [kinds_of(each) for each in silent] == [[], [], [], [], [], []]
    assert Event.objects.count() == 0


def test_subscription_gets_no_leads(enrollment: Enrollment) -> None:
    subscription = subscribe(enrollment.buyer, "wallet.low")
    endpoint = EndpointFactory(buyer=enrollment.buyer)

    send(enrollment)

    assert [each.endpoint_id for each in Delivery.objects.all()] == [endpoint.pk]
    assert kinds_of(subscription) == []


def test_test_lead_has_no_events(enrollment: Enrollment) -> None:
    subscription = subscribe(enrollment.campaign.workspace)

    send(enrollment, is_test=True, email_hash=None, phone_hash=None)

    assert Assignment.objects.get().is_test
    assert kinds_of(subscription) == []


def test_unsold_lead_and_campaign(enrollment: Enrollment) -> None:
    Enrollment.objects.update(lead_filter={"field": "state", "op": "in", "value": ["AK"]})
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    source, workspace = subscribe(lead.source), subscribe(lead.source.workspace)

    distribute_lead(lead.pk)

    lead.refresh_from_db()
    assert lead.status == "failed"
    assert kinds_of(source) == ["lead.status_changed", "lead.unsold"]
    assert sorted(kinds_of(workspace)) == ["campaign.unsold", "lead.status_changed", "lead.unsold"]
    assert data_of(workspace, "campaign.unsold") == {
        "campaign_id": str(enrollment.campaign.public_id),
        "lead_id": str(lead.public_id),
        "source_id": str(lead.source.public_id),
        "reason": lead.skip_reason,
    }


class TestDirectPost:
    def test_accepted_hold_is_sold_once(self) -> None:
        campaign = asking_campaign(buyers=1)
        lead = lead_of(campaign, at=timezone.now())
        workspace = subscribe(campaign.workspace, "lead.sold", "assignment.rejected")
        distribute_lead(lead.pk)
        assert kinds_of(workspace) == []

        accept(open_hold(lead), at=timezone.now())

        assert kinds_of(workspace) == ["lead.sold"]

    def test_rejected_hold_was_not_charged(self) -> None:
        campaign = asking_campaign(buyers=1)
        lead = lead_of(campaign, at=timezone.now())
        distribute_lead(lead.pk)
        hold = open_hold(lead)
        buyer = subscribe(hold.buyer, "lead.sold", "assignment.rejected")

        reject(hold, at=timezone.now(), reason="Call me at 500 555 0006")

        assert kinds_of(buyer) == ["assignment.rejected"]
        assert data_of(buyer, "assignment.rejected") == {
            "assignment_id": str(hold.public_id),
            "lead_id": str(lead.public_id),
            "campaign_id": str(campaign.public_id),
            "was_charged": False,
        }


class TestDelivery:
    def test_end_of_a_delivery_is_an_event(self, enrollment: Enrollment) -> None:
        EndpointFactory(buyer=enrollment.buyer)
        EndpointFactory(buyer=enrollment.buyer)
        buyer = subscribe(enrollment.buyer, "assignment.delivered", "assignment.rejected")
        send(enrollment)
        first, second = Delivery.objects.filter(event=None).order_by("pk")

        for delivery, state in ((first, "accepted"), (second, "rejected")):
            Delivery.objects.filter(pk=delivery.pk).update(
                state=state, next_try_at=None, ended_at=timezone.now()
            )

        assert kinds_of(buyer) == ["assignment.delivered", "assignment.rejected"]
        sale = Assignment.objects.get()
        assert data_of(buyer, "assignment.delivered") == {
            "assignment_id": str(sale.public_id),
            "lead_id": str(sale.lead.public_id),
            "campaign_id": str(sale.campaign.public_id),
            "message_id": str(first.message_id),
        }

    def test_end_of_an_event_is_no_event(self, enrollment: Enrollment) -> None:
        buyer = subscribe(enrollment.buyer)
        send(enrollment)

        Delivery.objects.update(state="accepted", next_try_at=None, ended_at=timezone.now())

        assert kinds_of(buyer) == ["lead.sold"]


class TestWallet:
    @pytest.fixture
    def buyer(self) -> Buyer:
        made: Buyer = BuyerFactory(credits_cents=1_000)
        Wallet.objects.filter(buyer=made).update(notice_below_cents=500, credit_limit_cents=100)
        return made

    def spend(self, buyer: Buyer, cents: int) -> None:
        Wallet.objects.filter(buyer=buyer).update(balance_cents=F("balance_cents") - cents)

    def test_one_event_for_each_crossing(self, buyer: Buyer) -> None:
        subscription = subscribe(buyer)
        workspace = subscribe(buyer.workspace)

        self.spend(buyer, 600)  # 500 are available
        assert kinds_of(subscription) == []
        self.spend(buyer, 1)
        self.spend(buyer, 100)
        assert kinds_of(subscription) == ["wallet.low"]
        self.spend(buyer, -500)
        self.spend(buyer, 400)

        assert kinds_of(subscription) == ["wallet.low", "wallet.low"]
        assert kinds_of(workspace) == ["wallet.low", "wallet.low"]
        assert [each.facts["available_cents"] for each in Event.objects.order_by("id")] == [499, 499]

    def test_what_is_held_is_not_available(self, buyer: Buyer) -> None:
        subscription = subscribe(buyer)

        Wallet.objects.filter(buyer=buyer).update(held_cents=700)

        assert data_of(subscription, "wallet.low") == {
            "balance_cents": 1_000,
            "held_cents": 700,
            "available_cents": 400,
            "notice_below_cents": 500,
        }

    def test_without_a_limit_there_is_no_event(self, buyer: Buyer) -> None:
        Wallet.objects.filter(buyer=buyer).update(notice_below_cents=None)
        subscription = subscribe(buyer)

        self.spend(buyer, 1_000)

        assert kinds_of(subscription) == []


class TestCap:
    def test_cap_is_reached_once_in_a_period(self, enrollment: Enrollment) -> None:
        Enrollment.objects.update(cap_day=2)
        subscription = subscribe(enrollment.buyer, "cap.reached")

        send(enrollment)
        assert kinds_of(subscription) == []
        send(enrollment)

        assert kinds_of(subscription) == ["cap.reached"]
        # A return makes room, and the cap is reached again on the same day.
        Enrollment.objects.update(day_leads=1)
        Enrollment.objects.update(day_leads=2)
        assert kinds_of(subscription) == ["cap.reached"]

    def test_next_day_is_another_period(self, enrollment: Enrollment) -> None:
        Enrollment.objects.update(cap_day=1)
        subscription = subscribe(enrollment.buyer, "cap.reached")

        Enrollment.objects.update(counted_on="2026-01-31", day_leads=1)
        Enrollment.objects.update(counted_on="2026-02-01", day_leads=1)

        assert kinds_of(subscription) == ["cap.reached", "cap.reached"]
        # Not by the events' ids: those of the same millisecond are in any order.
        periods = Event.objects.values_list("facts__period_starts_at", flat=True)
        assert sorted(periods) == ["2026-01-31T05:00:00+00:00", "2026-02-01T05:00:00+00:00"]

    def test_every_period_has_its_cap(self, enrollment: Enrollment) -> None:
        Enrollment.objects.update(cap_hour=1, cap_week=1, cap_month=1)
        subscription = subscribe(enrollment.buyer, "cap.reached")

        send(enrollment)

        found = sorted(each.facts["period"] for each in Event.objects.all())
        assert found == ["hour", "month", "week"]
        assert len(kinds_of(subscription)) == 3


class TestBudget:
    """Each lead costs $25.00."""

    @pytest.mark.parametrize(
        ("budget_cents", "reported"), [(7_499, [False, True]), (7_500, [False, False]), (2_500, [True, True])]
    )
    def test_budget_is_reached_when_it_pays_for_no_other_lead(
        self, enrollment: Enrollment, budget_cents: int, reported: list[bool]
    ) -> None:
        Enrollment.objects.update(budget_day_cents=budget_cents)
        subscription = subscribe(enrollment.buyer, "cap.reached")

        found = []
        for _ in reported:
            assert send(enrollment).pk
            found.append(kinds_of(subscription) == ["cap.reached"])

        assert found == reported

    def test_event_says_which_limit(self, enrollment: Enrollment) -> None:
        Enrollment.objects.update(budget_month_cents=4_000, cap_month=10)
        subscription = subscribe(enrollment.buyer, "cap.reached")

        send(enrollment)

        sale = Assignment.objects.get()
        began = Event.objects.get().facts["period_starts_at"]
        assert data_of(subscription, "cap.reached") == {
            "campaign_id": str(sale.campaign.public_id),
            "limit": "budget",
            "period": "month",
            "period_starts_at": write_time(datetime.fromisoformat(began)),
            "cap": 10,
            "leads": 1,
            "budget_cents": 4_000,
            "spent_cents": 2_500,
        }

    def test_cap_and_budget_of_a_period_are_two_events(self, enrollment: Enrollment) -> None:
        Enrollment.objects.update(budget_day_cents=2_500, cap_day=1)
        subscribe(enrollment.buyer, "cap.reached")

        send(enrollment)

        assert sorted(each.facts["limit"] for each in Event.objects.all()) == ["budget", "leads"]

    def test_budget_is_reported_once_in_a_period(self, enrollment: Enrollment) -> None:
        Enrollment.objects.update(budget_day_cents=5_000)
        subscription = subscribe(enrollment.buyer, "cap.reached")
        send(enrollment)
        send(enrollment)
        assert kinds_of(subscription) == ["cap.reached"]

        # A return makes room, and the budget is spent again on the same day.
        Enrollment.objects.update(day_leads=1, day_spent_cents=2_500, hour_leads=1, hour_spent_cents=2_500)
        send(enrollment)

        assert Assignment.objects.count() == 3
        assert kinds_of(subscription) == ["cap.reached"]

    def test_held_price_counts(self) -> None:
        campaign = asking_campaign(buyers=1)
        Enrollment.objects.update(budget_day_cents=Enrollment.objects.get().campaign.price_cents)
        workspace = subscribe(campaign.workspace, "cap.reached")

        distribute_lead(lead_of(campaign, at=timezone.now()).pk)

        assert Assignment.objects.get().state == "held"
        assert kinds_of(workspace) == ["cap.reached"]
