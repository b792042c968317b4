"""A campaign that sells on acceptance: hold, ask, then capture, or release and ask the next buyer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distribution.api.buyeranswers import describe_assignment
from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.claim import claim_due
from distribution.deliveries.content import read_work
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Delivery, Endpoint, Enrollment, LedgerEntry, Wallet
from distribution.verify import run_verification
from routing.calendar.windows import WINDOW_KINDS
from routing.leads.actions import (
    ActionRefused,
    LeadRunning,
    cancel_lead,
    give_up_lead,
    pause_lead,
    rerun_lead,
)
from routing.models import Lead
from routing.reconcile import expiry
from routing.reconcile.lost_workers import count_lost_worker
from tests.support.assigning import assign_by_hand
from tests.support.event_shapes import misshapen
from tests.support.factories import EndpointFactory, enroll
from tests.support.holds import (
    CREDITS_CENTS,
    PRICE_CENTS,
    accept,
    asking_campaign,
    attempts_of,
    buyers_of,
    entries_of,
    lead_of,
    money_of,
    open_hold,
    reject,
    statuses,
)
from tests.support.returning import return_assignment
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
LATER = AT + timedelta(seconds=2)
TOO_LATE = AT + timedelta(seconds=60)


def everything() -> tuple[Any, ...]:
    models = (Assignment, Enrollment, Wallet, LedgerEntry, Lead, Attempt, Delivery)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def counted(buyer_id: int) -> list[tuple[int, int]]:
    enrollment = Enrollment.objects.get(buyer_id=buyer_id)
    return [
        (getattr(enrollment, f"{kind}_leads"), getattr(enrollment, f"{kind}_spent_cents"))
        for kind in WINDOW_KINDS
    ]


def held_lead(campaign: Campaign) -> Lead:
    lead = lead_of(campaign, at=AT)
    assert distribute_lead(lead.pk, at=AT).result == "posting"
    return lead


def described(hold: Assignment) -> dict[str, Any]:
    """As the buyers' API shows it."""
    return describe_assignment(Assignment.objects.select_related("lead", "campaign").get(pk=hold.pk))


def assert_verified() -> None:
    report = run_verification()
    assert report.holds, report
    assert misshapen(LeadDistributionEvent.objects.all()) == []


def test_price_is_held_while_the_first_buyer_is_asked() -> None:
    campaign = asking_campaign(buyers=2)
    first, second = buyers_of(campaign)
    lead = lead_of(campaign, at=AT)

    outcome = distribute_lead(lead.pk, at=AT)

    assert (outcome.result, outcome.status, outcome.assignments) == ("posting", "posting", ())
    assert (outcome.charged_cents, outcome.next_attempt_at) == (0, None)
    assert statuses(lead) == ("posting", "")
    assert (lead.next_attempt_at, lead.finished_at, lead.posting_since) == (None, None, AT)
    hold = open_hold(lead)
    assert (hold.buyer_id, hold.price_cents, hold.settled_at) == (first, PRICE_CENTS, None)
    assert entries_of(hold) == [("hold", -PRICE_CENTS, CREDITS_CENTS)]
    assert money_of(first) == (CREDITS_CENTS, PRICE_CENTS)
    assert money_of(second) == (CREDITS_CENTS, 0)
    assert counted(first) == [(1, PRICE_CENTS)] * 4
    assert attempts_of(lead) == [("ingest", "posting", "", ["delivery_started"])]
    end = LeadDistributionEvent.objects.get(event="delivery_started")
    assert (end.buyer_id, end.cost_cents, end.outcome) == (first, PRICE_CENTS, "posting")
    assert end.data == {"assignment": str(hold.public_id), "deadline_at": TOO_LATE.isoformat()}
    skipped = LeadDistributionEvent.objects.get(event="buyer_skipped")
    assert (skipped.buyer_id, skipped.skip_reason) == (second, "outranked")
    [delivery] = Delivery.objects.all()
    assert (delivery.assignment_id, delivery.is_direct_post, delivery.state) == (hold.pk, True, "pending")
    assert_verified()


def test_accepted_lead_is_charged_and_sold() -> None:
    campaign = asking_campaign(buyers=2)
    first, _ = buyers_of(campaign)
    lead = held_lead(campaign)
    hold = open_hold(lead)

    settled = accept(hold, at=LATER)

    assert (settled.lead_id, settled.state, settled.is_new, settled.is_due) == (lead.pk, "sold", True, False)
    assert statuses(lead) == ("distributed", "")
    assert (lead.finished_at, lead.posting_since, lead.is_partly_sold) == (LATER, None, False)
    hold.refresh_from_db()
    assert (hold.state, hold.settled_at, hold.is_counted) == ("sold", LATER, True)
    assert entries_of(hold) == [
        ("hold", -PRICE_CENTS, CREDITS_CENTS),
        ("capture", -PRICE_CENTS, CREDITS_CENTS - PRICE_CENTS),
    ]
    assert money_of(first) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert counted(first) == [(1, PRICE_CENTS)] * 4
    assert attempts_of(lead)[1:] == [("delivery", "success", "", ["delivery_accepted", "distributed"])]
    end = LeadDistributionEvent.objects.get(event="distributed")
    assert (end.cost_cents, end.data) == (PRICE_CENTS, {"buyers": 1})
    assert_verified()


def test_sale_is_dated_by_the_acceptance_and_not_by_the_hold() -> None:
    lead = held_lead(asking_campaign(buyers=2))
    hold = open_hold(lead)
    shown = described(hold)
    assert (shown["assigned_at"], shown["sold_at"]) == ("2026-03-02T15:00:00Z", None)
    assert [sale.sold_at for sale in explain(lead).sales] == [None]

    accept(hold, at=LATER)

    shown = described(hold)
    assert (shown["assigned_at"], shown["sold_at"]) == ("2026-03-02T15:00:00Z", "2026-03-02T15:00:02Z")
    [sale] = explain(lead).sales
    assert (sale.sold_at, "at 2026-03-02 15:00:02" in sale.sentence) == (LATER, True)
    return_assignment(hold.public_id, actor="op", reason="wrong number")
    assert described(hold)["sold_at"] == "2026-03-02T15:00:02Z"


def test_further_endpoints_get_the_time_of_the_acceptance() -> None:
    campaign = asking_campaign(buyers=1)
    [buyer_id] = buyers_of(campaign)
    further = EndpointFactory(buyer_id=buyer_id)
    hold = open_hold(held_lead(campaign))

    accept(hold, at=LATER)

    [work] = read_work(claim_due(limit=10), at=LATER)
    assert (work.claimed.assignment_id, work.endpoint.pk) == (hold.pk, further.pk)
    assert work.lead is not None
    assert work.lead.sale.sold_at == LATER


def test_rejected_lead_was_never_sold() -> None:
    hold = open_hold(held_lead(asking_campaign(buyers=1)))

    reject(hold, at=LATER)

    shown = described(hold)
    assert (shown["assigned_at"], shown["sold_at"]) == ("2026-03-02T15:00:00Z", None)


def test_rejected_lead_goes_to_the_next_buyer_with_the_reason_in_the_trace() -> None:
    campaign = asking_campaign(buyers=2)
    first, second = buyers_of(campaign)
    before = Enrollment.objects.get(buyer_id=first).virtual_finish
    lead = held_lead(campaign)
    hold = open_hold(lead)

    settled = reject(hold, reason="Duplicate in our CRM", at=LATER)

    assert (settled.state, settled.is_new, settled.is_due) == ("rejected", True, True)
    assert statuses(lead) == ("pending", "rejected_lead")
    assert (lead.next_attempt_at, lead.due_reason) == (LATER, "delivery_ended")
    hold.refresh_from_db()
    assert (hold.state, hold.settled_at, hold.reject_reason) == ("rejected", LATER, "Duplicate in our CRM")
    assert (hold.is_counted, hold.returned_after, hold.returned_at) == (False, hold.pk, None)
    assert entries_of(hold)[1:] == [("release", PRICE_CENTS, CREDITS_CENTS)]
    assert money_of(first) == (CREDITS_CENTS, 0)
    assert counted(first) == [(0, 0)] * 4
    assert Enrollment.objects.get(buyer_id=first).virtual_finish == before
    rejected = LeadDistributionEvent.objects.get(event="delivery_rejected")
    assert (rejected.buyer_id, rejected.skip_reason) == (first, "rejected_lead")
    assert rejected.data == {"assignment": str(hold.public_id), "reason": "Duplicate in our CRM"}

    assert distribute_lead(lead.pk, at=LATER).result == "posting"

    skip = LeadDistributionEvent.objects.filter(event="buyer_skipped", buyer_id=first).get()
    assert skip.skip_reason == "rejected_lead"
    assert skip.data["gates"] == [
        {
            "gate": "rejected_lead",
            "required": False,
            "observed": True,
            "fixed_at": None,
            "reason": "Duplicate in our CRM",
        }
    ]
    assert open_hold(lead).buyer_id == second
    assert_verified()
    accept(open_hold(lead), at=LATER)
    assert [each[:3] for each in attempts_of(lead)] == [
        ("ingest", "posting", ""),
        ("delivery", "rejected", "rejected_lead"),
        ("delivery", "posting", ""),
        ("delivery", "success", ""),
    ]
    assert [money_of(each)[0] for each in (first, second)] == [CREDITS_CENTS, CREDITS_CENTS - PRICE_CENTS]
    assert_verified()


def test_second_answer_changes_nothing() -> None:
    campaign = asking_campaign(buyers=2)
    accepted, rejected = held_lead(campaign), held_lead(campaign)
    sold, released = open_hold(accepted), open_hold(rejected)
    accept(sold, at=LATER)
    reject(released, at=LATER)
    before = everything()

    answers = [
        accept(sold, at=LATER),
        reject(sold, at=LATER, reason="too late"),
        accept(released, at=LATER),
        reject(released, at=LATER),
    ]

    assert [(each.state, each.is_new, each.is_due) for each in answers] == [
        *[("sold", False, False)] * 2,
        *[("rejected", False, False)] * 2,
    ]
    assert everything() == before


def test_lead_that_everyone_rejects_is_unsold() -> None:
    campaign = asking_campaign(buyers=2)
    lead = held_lead(campaign)
    reject(open_hold(lead), at=LATER)
    distribute_lead(lead.pk, at=LATER)
    reject(open_hold(lead), at=LATER)

    outcome = distribute_lead(lead.pk, at=LATER)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "no_eligible_buyers")
    assert statuses(lead) == ("failed", "no_eligible_buyers")
    assert lead.posting_since is None
    end = LeadDistributionEvent.objects.get(attempt_id=outcome.attempt_id, event="failed")
    assert end.data["emptied_by"] == "rejected_lead"
    assert_verified()


@pytest.mark.parametrize("is_next_attempt_late", [False, True])
def test_no_further_buyer_is_asked_after_the_deadline(*, is_next_attempt_late: bool) -> None:
    campaign = asking_campaign(buyers=2)
    lead = held_lead(campaign)
    settled = reject(open_hold(lead), at=LATER if is_next_attempt_late else TOO_LATE)

    assert settled.is_due is is_next_attempt_late
    if is_next_attempt_late:
        assert distribute_lead(lead.pk, at=TOO_LATE).skip_reason == "post_deadline_passed"
    assert statuses(lead) == ("failed", "post_deadline_passed")
    assert attempts_of(lead)[-1][1:3] == ("unsold", "post_deadline_passed")
    assert_verified()


def test_lead_run_again_after_the_deadline_has_a_new_one() -> None:
    campaign = asking_campaign(buyers=2)
    lead = held_lead(campaign)
    reject(open_hold(lead), at=TOO_LATE)
    Lead.objects.filter(pk=lead.pk).update(expires_at=TOO_LATE + timedelta(days=1))
    rerun_lead(lead.pk, at=TOO_LATE)

    assert distribute_lead(lead.pk, at=TOO_LATE).result == "posting"

    lead.refresh_from_db()
    assert lead.posting_since == TOO_LATE
    assert open_hold(lead).buyer_id == buyers_of(campaign)[1]


def test_deadline_of_a_deferred_lead_begins_anew() -> None:
    """The first buyer rejects the lead, and the second one has its cap full until the next day."""
    campaign = asking_campaign(buyers=2, post_deadline_seconds=60)
    second = buyers_of(campaign)[1]
    lead = held_lead(campaign)
    full = lead_of(campaign, at=AT)
    reject(open_hold(lead), at=LATER)
    Enrollment.objects.filter(campaign=campaign, buyer_id=second).update(cap_day=1)
    Enrollment.objects.filter(campaign=campaign).exclude(buyer_id=second).update(active=False)
    assert distribute_lead(full.pk, at=LATER).result == "posting"

    deferred = distribute_lead(lead.pk, at=LATER)

    assert (deferred.result, deferred.skip_reason) == ("deferred", "all_buyers_capped")
    lead.refresh_from_db()
    assert (lead.posting_since, lead.status) == (None, "pending")
    tomorrow = AT + timedelta(days=1)
    Lead.objects.filter(pk=lead.pk).update(expires_at=tomorrow + timedelta(days=1), next_attempt_at=tomorrow)
    assert distribute_lead(lead.pk, at=tomorrow).result == "posting"
    lead.refresh_from_db()
    assert lead.posting_since == tomorrow
    started = LeadDistributionEvent.objects.filter(event="delivery_started", buyer_id=second).latest("pk")
    assert started.data["deadline_at"] == (tomorrow + timedelta(seconds=60)).isoformat()
    assert_verified()


def test_time_of_a_pause_is_not_part_of_the_deadline() -> None:
    campaign = asking_campaign(buyers=2, post_deadline_seconds=60)
    lead = held_lead(campaign)
    reject(open_hold(lead), at=LATER)
    resumed_at = AT + timedelta(hours=2)
    Lead.objects.filter(pk=lead.pk).update(resumed_at=resumed_at, expires_at=resumed_at + timedelta(days=1))

    assert distribute_lead(lead.pk, at=resumed_at + timedelta(seconds=1)).result == "posting"

    assert_verified()


def test_shared_lead_goes_on_until_it_has_enough_buyers() -> None:
    campaign = asking_campaign(buyers=4, max_buyers=2)
    first, second, third, _ = buyers_of(campaign)
    lead = held_lead(campaign)

    assert accept(open_hold(lead), at=LATER).is_due
    assert statuses(lead) == ("pending", "")
    assert lead.is_partly_sold
    assert_verified()
    distribute_lead(lead.pk, at=LATER)
    assert_verified()
    assert reject(open_hold(lead), at=LATER).is_due
    distribute_lead(lead.pk, at=LATER)
    assert not accept(open_hold(lead), at=LATER).is_due

    assert statuses(lead) == ("distributed", "")
    states = dict(Assignment.objects.filter(lead=lead).values_list("buyer_id", "state"))
    assert states == {first: "sold", second: "rejected", third: "sold"}
    end = LeadDistributionEvent.objects.filter(event="distributed").latest("pk")
    assert (end.cost_cents, end.data) == (2 * PRICE_CENTS, {"buyers": 2})
    assert_verified()


@pytest.mark.parametrize("ending", ["rejected", "deadline", "expired", "paused_buyer"])
def test_partly_sold_lead_ends_as_sold(ending: str) -> None:
    campaign = asking_campaign(buyers=2, max_buyers=2)
    _, second = buyers_of(campaign)
    lead = held_lead(campaign)
    accept(open_hold(lead), at=LATER)
    reason = "no_eligible_buyers"
    if ending == "paused_buyer":
        Enrollment.objects.filter(buyer_id=second).update(active=False)
        distribute_lead(lead.pk, at=LATER)
    elif ending == "expired":
        reason = "lead_expired"
        Lead.objects.filter(pk=lead.pk).update(expires_at=LATER)
        distribute_lead(lead.pk, at=LATER)
    else:
        reason = "no_eligible_buyers" if ending == "rejected" else "post_deadline_passed"
        distribute_lead(lead.pk, at=LATER)
        reject(open_hold(lead), at=LATER if ending == "rejected" else TOO_LATE)
        if ending == "rejected":
            distribute_lead(lead.pk, at=LATER)

    assert statuses(lead) == ("distributed", "")
    assert (lead.posting_since, lead.is_partly_sold) == (None, False)
    end = LeadDistributionEvent.objects.filter(event="distributed").latest("pk")
    assert (end.cost_cents, end.data) == (PRICE_CENTS, {"buyers": 1, "ended_by": reason})
    assert attempts_of(lead)[-1][1:3] == ("success", "")
    assert_verified()


@pytest.mark.parametrize("action", ["give_up", "expire"])
def test_partly_sold_lead_that_ends_outside_an_attempt_is_sold(action: str) -> None:
    campaign = asking_campaign(buyers=2, max_buyers=2)
    lead = held_lead(campaign)
    accept(open_hold(lead), at=LATER)
    if action == "give_up":
        give_up_lead(lead.pk, at=LATER)
    else:
        Lead.objects.filter(pk=lead.pk).update(expires_at=LATER)
        assert expiry.run(fix=True, limit=10).repaired == 1

    assert statuses(lead) == ("distributed", "")
    assert lead.is_partly_sold is False


@pytest.mark.parametrize("reason", ["lead_expired", "worker_lost"])
def test_attempt_that_ends_a_partly_sold_lead_says_that_it_is_sold(reason: str, settings: Any) -> None:
    """A process of its own ends it: an answer or a log line that says expired would contradict the sale."""
    settings.LEADSWITCH_MAX_LOST_LEASES = 1
    lead = held_lead(asking_campaign(buyers=2, max_buyers=2))
    accept(open_hold(lead), at=LATER)
    lead.refresh_from_db()
    if reason == "worker_lost":
        assert count_lost_worker(lead.pk, attempts=lead.attempts, due_at=lead.next_attempt_at)
    else:
        Lead.objects.filter(pk=lead.pk).update(expires_at=LATER)
        assert expiry.run(fix=True, limit=10).repaired == 1

    assert statuses(lead) == ("distributed", "")
    assert attempts_of(lead)[-1][1:] == ("success", "", ["distributed"])
    end = LeadDistributionEvent.objects.filter(event="distributed").latest("pk")
    lost = {"lost_workers": 1} if reason == "worker_lost" else {}
    assert (end.cost_cents, end.data) == (PRICE_CENTS, {"buyers": 1, "ended_by": reason, **lost})
    assert_verified()


def test_sales_of_partly_sold_leads_that_expire_together_are_read_at_once() -> None:
    campaign = asking_campaign(buyers=3, max_buyers=3)
    one, two = held_lead(campaign), held_lead(campaign)
    for lead in (one, two, two):
        accept(open_hold(lead), at=LATER)
        distribute_lead(lead.pk, at=LATER)
    for lead in (one, two):
        reject(open_hold(lead), at=LATER)
    Lead.objects.update(expires_at=LATER)
    with CaptureQueriesContext(connection) as queries:
        assert expiry.run(fix=True, limit=10).repaired == 2

    assert len([each for each in queries if "distribution_assignment" in each["sql"]]) == 1
    ends = LeadDistributionEvent.objects.filter(data__ended_by="lead_expired").order_by("lead_id")
    assert [(each.lead_id, each.cost_cents, each.data["buyers"]) for each in ends] == [
        (one.pk, PRICE_CENTS, 1),
        (two.pk, 2 * PRICE_CENTS, 2),
    ]
    assert_verified()


def test_returned_sale_of_a_partly_sold_lead_leaves_it_unsold() -> None:
    campaign = asking_campaign(buyers=2, max_buyers=2)
    lead = held_lead(campaign)
    first = open_hold(lead)
    accept(first, at=LATER)
    distribute_lead(lead.pk, at=LATER)

    return_assignment(first.public_id, actor="ann", reason="wrong number")
    reject(open_hold(lead), at=TOO_LATE)

    assert statuses(lead) == ("failed", "post_deadline_passed")
    assert_verified()


def test_held_money_counts_as_spent() -> None:
    """The buyer can pay for one lead. While it is held, the next lead goes to the next buyer."""
    campaign = asking_campaign(buyers=1)
    [first] = buyers_of(campaign)
    Wallet.objects.filter(buyer_id=first).update(credit_limit_cents=0)
    for _ in range(CREDITS_CENTS // PRICE_CENTS):
        held_lead(campaign)
    lead = lead_of(campaign, at=AT)

    assert distribute_lead(lead.pk, at=AT).skip_reason == "insufficient_credits"

    assert money_of(first) == (CREDITS_CENTS, CREDITS_CENTS)
    reject(Assignment.objects.filter(state="held").earliest("pk"), at=LATER)
    Lead.objects.filter(pk=lead.pk).update(expires_at=LATER + timedelta(days=1))
    rerun_lead(lead.pk, at=LATER)
    assert distribute_lead(lead.pk, at=LATER).result == "posting"
    assert_verified()


def test_held_lead_counts_in_the_cap_until_it_is_rejected() -> None:
    campaign = asking_campaign(buyers=1)
    Enrollment.objects.filter(campaign=campaign).update(cap_day=1)
    lead, other = held_lead(campaign), lead_of(campaign, at=AT)
    assert distribute_lead(other.pk, at=AT).skip_reason == "all_buyers_capped"

    reject(open_hold(lead), at=LATER)
    Lead.objects.filter(pk=other.pk).update(next_attempt_at=LATER)

    assert distribute_lead(other.pk, at=LATER).result == "posting"
    assert_verified()


@pytest.mark.parametrize("act", [pause_lead, rerun_lead, give_up_lead, cancel_lead])
def test_lead_that_waits_for_a_buyers_system_refuses_actions(act: Any) -> None:
    lead = held_lead(asking_campaign(buyers=1))
    before = everything()

    with pytest.raises(
        ActionRefused, match="a buyer's system is deciding whether it accepts the lead; wait for its"
    ):
        act(lead.pk, at=LATER)

    assert everything() == before


def test_partly_sold_lead_is_not_canceled() -> None:
    lead = held_lead(asking_campaign(buyers=2, max_buyers=2))
    accept(open_hold(lead), at=LATER)

    with pytest.raises(LeadRunning, match="a buyer has accepted it, so it is sold"):
        cancel_lead(lead.pk, at=LATER)


def test_lead_that_waits_does_not_expire() -> None:
    """It stays with its buyer until the delivery ends. After a rejection it expires."""
    lead = held_lead(asking_campaign(buyers=2))
    Lead.objects.filter(pk=lead.pk).update(expires_at=LATER)
    before = everything()

    assert expiry.run(fix=True, limit=10).checked == 0
    assert distribute_lead(lead.pk, at=LATER).not_run == "finished"

    assert everything() == before
    reject(open_hold(lead), at=LATER)
    distribute_lead(lead.pk, at=LATER)
    assert statuses(lead) == ("expired", "lead_expired")


def test_expired_lead_can_be_accepted() -> None:
    lead = held_lead(asking_campaign(buyers=2))
    Lead.objects.filter(pk=lead.pk).update(expires_at=LATER)

    accept(open_hold(lead), at=LATER)

    assert statuses(lead) == ("distributed", "")


@pytest.mark.parametrize("endpoints", ["none", "email", "disabled"])
def test_buyer_without_an_endpoint_that_can_answer_is_passed_over(endpoints: str) -> None:
    campaign = asking_campaign(buyers=2)
    first, second = buyers_of(campaign)
    of_first = Endpoint.objects.filter(buyer_id=first)
    if endpoints == "none":
        of_first.delete()
    elif endpoints == "email":
        of_first.update(method="email", url="", email_to="leads@buyer.test", email_format="text")
    else:
        of_first.update(active=False)
    lead = held_lead(campaign)

    assert statuses(lead) == ("pending", "rejected_lead")
    assert (money_of(first), counted(first)) == ((CREDITS_CENTS, 0), [(0, 0)] * 4)
    assert distribute_lead(lead.pk, at=LATER).result == "posting"
    assert open_hold(lead).buyer_id == second
    assert_verified()


def test_one_endpoint_is_asked_and_the_others_get_the_sold_lead() -> None:
    campaign = asking_campaign(buyers=1)
    [buyer] = buyers_of(campaign)
    asked = EndpointFactory(buyer_id=buyer, campaign=campaign)
    email = EndpointFactory(
        buyer_id=buyer, method="email", url="", email_to="a@buyer.test", email_format="text"
    )
    lead = held_lead(campaign)
    assert list(Delivery.objects.values_list("endpoint_id", flat=True)) == [asked.pk]

    accept(open_hold(lead), at=LATER)

    others = Delivery.objects.filter(is_direct_post=False).values_list("endpoint_id", "next_try_at")
    general = Endpoint.objects.filter(buyer_id=buyer).earliest("pk")
    assert sorted(others) == sorted([(general.pk, LATER), (email.pk, LATER)])


def test_person_sells_at_once_even_to_a_buyer_whose_system_rejected_the_lead() -> None:
    campaign = asking_campaign(buyers=1)
    [buyer] = buyers_of(campaign)
    lead = held_lead(campaign)
    reject(open_hold(lead), reason="Duplicate", at=LATER)
    enrollment = Enrollment.objects.get(buyer_id=buyer)

    sale = assign_by_hand(lead.pk, enrollment_id=enrollment.pk, at=LATER)

    assert sale.overridden == ("rejected_lead",)
    assert statuses(lead) == ("distributed", "")
    assert money_of(buyer) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert_verified()


@pytest.mark.parametrize(
    ("reason", "stored"),
    [
        ("Duplicate of ada@example.com", "Duplicate of (hidden)"),
        ("phone (404) 555-0123 exists", "phone (hidden) exists"),
        ("Ada  LOVELACE is known", "(hidden) (hidden) is known"),
        ("12 Peach St., out of area", "(hidden), out of area"),
        ("code 4711\n", "code 4711"),
    ],
)
def test_reason_is_stored_without_personal_data(reason: str, stored: str) -> None:
    campaign = asking_campaign(buyers=2)
    person = {"first_name": "Ada", "last_name": "Lovelace", "address": "12 Peach St."}
    lead = lead_of(campaign, at=AT, email="ada@example.com", phone="+14045550123", **person)
    distribute_lead(lead.pk, at=AT)
    hold = open_hold(lead)

    reject(hold, reason=reason, at=LATER)

    hold.refresh_from_db()
    assert hold.reject_reason == stored
    distribute_lead(lead.pk, at=LATER)
    assert_verified()


def test_campaign_that_sells_on_the_decision_does_not_hold() -> None:
    campaign = asking_campaign(buyers=1, sells_on="decision")
    enroll(campaign, count=1, credits_cents=CREDITS_CENTS)
    lead = lead_of(campaign, at=AT)

    assert distribute_lead(lead.pk, at=AT).result == "success"

    [delivery] = Delivery.objects.all()
    assert delivery.is_direct_post is False
    assert set(LedgerEntry.objects.values_list("kind", flat=True)) == {"topup", "charge"}
