"""Every skip reason is reached by a real distribution, is true, and leaves the lead in the state that it promises."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

import distribution.attempts.decide_under_lock
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment, LedgerEntry
from distribution.verify import run_verification
from routing.models import Lead, Source
from tests.support.blocking import holding, short_lock_timeout
from tests.support.event_shapes import misshapen
from tests.support.factories import (
    CampaignFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PingFactory,
    RuleFactory,
    SourceFactory,
    TierFactory,
)
from tests.support.holds import open_hold, reject
from tests.support.planting import plant
from tracing import skip_reasons
from tracing.models import Attempt, LeadDistributionEvent
from tracing.skip_reasons import SKIP_REASONS, Level, RetryClass

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, 10:00 in New York
NIGHT = {"mon": [["20:00", "24:00"]]}  # in New York: from Tuesday 01:00 UTC
TUESDAY = datetime(2026, 3, 3, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 3, 5, tzinfo=UTC)  # New York's
HOLD_WALLET = "SELECT 1 FROM distribution_wallet WHERE buyer_id = %s FOR UPDATE"
HOLD_BUYER = "SELECT 1 FROM distribution_buyer WHERE id = %s FOR UPDATE"
ENDED_FROM_OUTSIDE = {
    "lock_expired",
    "worker_lost",
    "rejected_lead",
    *("not_verified", "verification_declined", "not_callable"),
}  # no attempt of the engine ends like this: see test_claim and test_holds
# Reached by real attempts that close an offer: functional/offers/test_closing.py, functional/auctions.
# Reached by real attempts of campaigns that ask for a verification: functional/calls/test_gate.py.
OF_GATES = {"verification_required"}
OF_OFFERS = {"offer_unclaimed", "no_bids", "below_reserve", "buyers_not_asked"}
OF_BIDS = {"outbid", "no_bid", "bid_late", "bid_not_asked", "bid_unknown", "bid_below_reserve"}
# No attempt skips a buyer for them: functional/offers/test_missed_offers.py.
OF_PLACES = skip_reasons.OF_OFFERS
# A cap that time does not open, or a definition that does not change: a person must act.
UNUSUAL = {"cap_that_never_resets", "definition_that_does_not_compile"}
ON_ACCEPTANCE = {"sells_on": "acceptance"}
ADULTS = {"field": "attributes.roof_age", "op": "gte", "value": 10}


@dataclass
class Case:
    """The special settings of the one campaign and its one buyer, and the expected result."""

    lead_reason: str
    result: str
    buyer_reason: str = ""
    gate: dict[str, Any] = field(default_factory=dict)  # expected part of the first failed gate
    due_at: datetime | None = None
    campaign: dict[str, Any] = field(default_factory=dict)
    enrollment: dict[str, Any] | None = field(default_factory=dict)
    tier: dict[str, Any] = field(default_factory=dict)
    lead: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Campaign, Lead], Any] = lambda _campaign, _lead: None
    broken: list[int] = field(default_factory=list)  # invariants that the preparation itself breaks
    during: Callable[[Campaign], AbstractContextManager[Any]] = lambda _campaign: nullcontext()


def sell_one_before(campaign: Campaign, lead: Lead) -> None:
    """Another lead uses up the cap."""
    earlier = LeadFactory(source=lead.source, received_at=AT, attributes=lead.attributes)
    assert distribute_lead(earlier.pk, at=AT).result == "success"
    assert campaign.enrollments.get().day_leads == 1


def sell_this_before(campaign: Campaign, lead: Lead) -> None:
    """The lead was sold to the only buyer and released again: the shared campaign has a slot left."""
    Campaign.objects.filter(pk=campaign.pk).update(max_buyers=2)
    assert distribute_lead(lead.pk, at=AT).result == "success"
    Lead.objects.filter(pk=lead.pk).update(status="pending", next_attempt_at=AT, finished_at=None)


def ask_and_reject(campaign: Campaign, lead: Lead) -> None:
    """The only buyer's system rejects the lead at once."""
    EndpointFactory(buyer=campaign.enrollments.get().buyer)
    assert distribute_lead(lead.pk, at=AT).result == "posting"
    assert reject(open_hold(lead), at=AT, reason="Duplicate").is_due


def ask_until_the_deadline(campaign: Campaign, lead: Lead) -> None:
    """The campaign allows 60 seconds."""
    ask_and_reject(campaign, lead)
    Lead.objects.filter(pk=lead.pk).update(posting_since=AT - timedelta(seconds=60))


def come_before(_campaign: Campaign, lead: Lead) -> None:
    """The same person already waits with an older lead."""
    LeadFactory(source=lead.source, received_at=AT - timedelta(minutes=1), email_hash=lead.email_hash)


def promise_more(campaign: Campaign, lead: Lead) -> None:
    """Its source was promised $10.01 until five past, and has no contract that pays it."""
    ping = PingFactory.create(source=lead.source, campaign_id=campaign.pk, price_cents=1_001, created_at=AT)
    plant("UPDATE routing_lead SET ping_id = %s WHERE id = %s", [ping.pk, lead.pk])


def promise_too_early(campaign: Campaign, lead: Lead) -> None:
    """The promise ends as the attempt begins, and its source lets no lead be sold afterwards."""
    promise_more(campaign, lead)
    Source.objects.filter(pk=lead.source_id).update(after_promise="end")
    Lead.objects.filter(pk=lead.pk).update(received_at=AT - timedelta(minutes=5))


def lead_to_a_paused_workspace(_campaign: Campaign, lead: Lead) -> None:
    RuleFactory(workspace=lead.workspace, destination__paused_at=AT)


def break_mode(campaign: Campaign, _lead: Lead) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(mode="by_favor")


@contextmanager
def break_sale(_campaign: Campaign) -> Iterator[None]:
    """A failure of the product in the middle of a sale."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distribution.attempts.decide_under_lock, "sell", lambda *_, **__: 1 / 0)
        yield


def expire(_campaign: Campaign, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(expires_at=AT)


def deactivate(campaign: Campaign, _lead: Lead) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(active=False)


def hold_wallet(campaign: Campaign) -> AbstractContextManager[Any]:
    return holding(HOLD_WALLET, [campaign.enrollments.get().buyer_id])


@contextmanager
def hold_buyer(campaign: Campaign) -> Iterator[None]:
    """The new assignment's foreign key needs the buyer's row at the commit."""
    with short_lock_timeout(), holding(HOLD_BUYER, [campaign.enrollments.get().buyer_id]):
        yield


NOT_COVERED = {"buyer__service_area": {"states": ["AL"]}}
CASES: dict[str, Case] = {
    "no_campaign": Case("no_campaign", "unsold", prepare=deactivate),
    "no_campaign_for_the_vertical": Case("no_campaign", "unsold", campaign={"vertical": "solar"}),
    "no_enrolled_buyers": Case("no_enrolled_buyers", "unsold", enrollment=None),
    "enrollment_paused": Case(
        "no_eligible_buyers",
        "unsold",
        "enrollment_paused",
        {"required": "active", "observed": "paused", "fixed_at": None},
        enrollment={"active": False},
    ),
    "buyer_paused": Case(
        "no_eligible_buyers",
        "unsold",
        "buyer_paused",
        {"required": "active", "observed": "paused", "fixed_at": None},
        enrollment={"buyer__paused_at": AT},
    ),
    "outside_service_area": Case(
        "no_eligible_buyers",
        "unsold",
        "outside_service_area",
        {"required": "AL", "observed": {"zip": "30312", "county": "Fulton County", "state": "GA"}},
        enrollment=NOT_COVERED,
    ),
    "onboarding_mismatch": Case(
        "no_eligible_buyers",
        "unsold",
        "onboarding_mismatch",
        {"gate": "onboarding_mismatch", "fixed_at": None},
        campaign={"questions": [{"key": "types", "field": "attributes.type", "op": "in", "required": True}]},
        enrollment={"buyer__answers": {"types": ["commercial"]}},
        lead={"attributes": {"type": "residential"}},
    ),
    "lead_filter_rejected_by_the_tier": Case(
        "no_eligible_buyers_after_tier_filters",
        "unsold",
        "lead_filter_rejected",
        {"scope": "tier", "fixed_at": None},
        tier={"content_filter": ADULTS},
        lead={"attributes": {"roof_age": 9}},
    ),
    "lead_filter_rejected_by_the_enrollment_for_a_missing_field": Case(  # missing never passes
        "no_eligible_buyers_after_tier_filters",
        "unsold",
        "lead_filter_rejected",
        {"scope": "enrollment", "fixed_at": None},
        enrollment={"lead_filter": ADULTS},
    ),
    "outside_buyer_hours": Case(
        "all_buyers_outside_hours",
        "deferred",
        "outside_buyer_hours",
        {"fixed_at": "2026-03-03T01:00:00+00:00"},
        due_at=TUESDAY,
        enrollment={"buyer__hours": NIGHT},
    ),
    "cap_reached": Case(
        "all_buyers_capped",
        "deferred",
        "cap_reached",
        {
            "required": {"leads per day": 1},
            "observed": {"leads per day": 1},
            "fixed_at": "2026-03-03T05:00:00+00:00",
        },
        due_at=MIDNIGHT,
        enrollment={"cap_day": 1},
        prepare=sell_one_before,
    ),
    "cap_reached_by_a_budget": Case(
        "all_buyers_capped",
        "deferred",
        "cap_reached",
        {"required": {"cents per day": 4_999}, "observed": {"cents per day": 2_500}},
        due_at=MIDNIGHT,
        enrollment={"budget_day_cents": 4_999},
        prepare=sell_one_before,
    ),
    "cap_that_never_resets": Case(
        "all_buyers_capped",
        "unsold",
        "cap_reached",
        {"required": {"leads per day": 0}, "observed": {"leads per day": 0}, "fixed_at": None},
        enrollment={"cap_day": 0},
    ),
    "insufficient_credits": Case(
        "insufficient_credits",
        "unsold",
        "insufficient_credits",
        {"required": 2_500, "observed": 2_499, "missing_cents": 1, "fixed_at": None},
        enrollment={"buyer__credits_cents": 2_499},
    ),
    "already_has_lead": Case(
        "no_eligible_buyers",
        "unsold",
        "already_has_lead",
        {"required": False, "observed": True},
        prepare=sell_this_before,
        broken=[4],  # no part of the product releases a sold lead
    ),
    "rejected_lead": Case(
        "no_eligible_buyers",
        "unsold",
        "rejected_lead",
        {"required": False, "observed": True, "reason": "Duplicate"},
        campaign=ON_ACCEPTANCE,
        prepare=ask_and_reject,
    ),
    "post_deadline_passed": Case(
        "post_deadline_passed",
        "unsold",
        campaign=ON_ACCEPTANCE,
        prepare=ask_until_the_deadline,
    ),
    "below_promised_price": Case(
        "below_promised_price",
        "deferred",
        "below_promised_price",
        due_at=AT + timedelta(minutes=5),
        prepare=promise_more,
    ),
    "promise_ended": Case("promise_ended", "unsold", prepare=promise_too_early),
    "outside_campaign_hours": Case(
        "outside_campaign_hours", "deferred", due_at=TUESDAY, campaign={"schedule": NIGHT}
    ),
    "outside_workspace_hours": Case(
        "outside_workspace_hours", "deferred", due_at=TUESDAY, campaign={"workspace__hours": NIGHT}
    ),
    "locked": Case("tier_lock_contention", "retry", "locked", during=hold_wallet),
    "database_timeout": Case("database_timeout", "retry", during=hold_buyer),
    "internal_error": Case("internal_error", "retry", during=break_sale),
    "definition_that_does_not_compile": Case("internal_error", "failed", prepare=break_mode),
    "lead_expired": Case("lead_expired", "expired", prepare=expire),
    "duplicate_lead": Case(
        "duplicate_lead", "duplicate", lead={"email_hash": "the same"}, prepare=come_before
    ),
    "workspace_paused": Case("workspace_paused", "deferred", due_at=AT, prepare=lead_to_a_paused_workspace),
}


def build(case: Case) -> tuple[Campaign, Lead]:
    campaign = CampaignFactory(price_cents=2_500, **case.campaign)
    tier = TierFactory(campaign=campaign, **case.tier)
    if case.enrollment is not None:
        enrollment = {"buyer__credits_cents": 100_000, **case.enrollment}
        EnrollmentFactory(campaign=campaign, tier=tier, **enrollment)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), received_at=AT, **case.lead)
    case.prepare(campaign, lead)
    return campaign, lead


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("name", CASES)
def test_reason_is_reached_and_true(name: str) -> None:
    case = CASES[name]
    campaign, lead = build(case)
    attempts_before = Lead.objects.get(pk=lead.pk).attempts
    money_before = list(LedgerEntry.objects.values_list("pk"))

    with case.during(campaign):
        outcome = distribute_lead(lead.pk, at=AT)

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == (case.result, case.lead_reason, True)
    attempt = Attempt.objects.get(pk=outcome.attempt_id)
    assert (attempt.result, attempt.skip_reason) == (case.result, case.lead_reason)
    assert attempt.transient is (case.result == "retry")
    terminal = LeadDistributionEvent.objects.filter(attempt_id=attempt.pk).latest("seq")
    assert (terminal.event, terminal.outcome, terminal.skip_reason) == (
        "failed",
        case.result,
        case.lead_reason,
    )
    assert misshapen(LeadDistributionEvent.objects.filter(attempt_id=attempt.pk)) == []
    check_buyers(case, attempt)
    check_next_state(case, lead, attempts=attempts_before + 1, attempt=attempt)
    assert list(LedgerEntry.objects.values_list("pk")) == money_before
    assert not Assignment.objects.filter(attempt_id=attempt.pk).exists()
    assert [
        invariant.number for invariant, found in run_verification().results if found.breaches
    ] == case.broken


def check_buyers(case: Case, attempt: Attempt) -> None:
    skips = list(LeadDistributionEvent.objects.filter(attempt_id=attempt.pk, event="buyer_skipped"))
    if not case.buyer_reason:
        assert skips == []
        return
    [skip] = skips
    assert skip.skip_reason == case.buyer_reason
    assert skip.buyer_id == Enrollment.objects.get(campaign_id=attempt.campaign_id).buyer_id
    if case.gate:
        gate = skip.data["gates"][0]
        assert gate["gate"] == case.buyer_reason
        assert {key: gate[key] for key in case.gate} == case.gate


def check_next_state(case: Case, lead: Lead, *, attempts: int, attempt: Attempt) -> None:
    """Transient: due again soon, with a positive jitter. Deferred: due at the known time. Else: parked."""
    lead.refresh_from_db()
    assert lead.attempts == attempts
    assert lead.skip_reason == case.lead_reason
    assert lead.next_attempt_at == attempt.next_attempt_at
    if case.result == "retry":
        assert (lead.status, lead.due_reason, lead.finished_at) == ("pending", case.lead_reason, None)
        backoffs = settings.LEADSWITCH_TUNING.backoffs
        is_error = case.lead_reason == "internal_error"
        first = (backoffs.after_error if is_error else backoffs.after_conflict).first
        assert AT + first < lead.next_attempt_at < AT + 2 * first
    elif case.result == "deferred":
        assert (lead.status, lead.due_reason, lead.finished_at) == ("pending", case.lead_reason, None)
        assert lead.next_attempt_at == case.due_at
    else:
        status = case.result if case.result in {"expired", "duplicate"} else "failed"
        assert (lead.status, lead.due_reason, lead.finished_at) == (status, "", AT)
        assert lead.next_attempt_at is None


@pytest.mark.usefixtures("committed_db")
def test_outranked_and_locked_beside_a_buyer_that_gets_it() -> None:
    campaign = CampaignFactory(mode="priority")
    wanted, second, third = (
        EnrollmentFactory(campaign=campaign, priority=priority, buyer__credits_cents=10_000)
        for priority in (3, 2, 1)
    )
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))

    with holding(HOLD_WALLET, [wanted.buyer_id]):
        outcome = distribute_lead(lead.pk)

    events = LeadDistributionEvent.objects.filter(attempt_id=outcome.attempt_id, buyer_id__isnull=False)
    assert set(events.values_list("buyer_id", "event", "skip_reason")) == {
        (wanted.buyer_id, "buyer_skipped", "locked"),
        (second.buyer_id, "buyer_selected", ""),
        (third.buyer_id, "buyer_skipped", "outranked"),
    }
    assert Assignment.objects.get().buyer_id == second.buyer_id
    assert run_verification().holds


@pytest.mark.usefixtures("committed_db")
def test_every_failing_gate_is_recorded_and_the_first_names_the_skip() -> None:
    """Gates do not stop at the first failure: a buyer sees every gate that it fails."""
    case = Case("no_eligible_buyers", "unsold", enrollment={"active": False, "cap_day": 0, **NOT_COVERED})
    _, lead = build(case)

    outcome = distribute_lead(lead.pk, at=AT)

    skip = LeadDistributionEvent.objects.get(attempt_id=outcome.attempt_id, event="buyer_skipped")
    assert skip.skip_reason == "enrollment_paused"
    assert [gate["gate"] for gate in skip.data["gates"]] == [
        "enrollment_paused",
        "outside_service_area",
        "cap_reached",
    ]


@pytest.mark.usefixtures("committed_db")
def test_deferred_lead_is_sold_at_its_time() -> None:
    case = CASES["outside_buyer_hours"]
    _, lead = build(case)
    assert distribute_lead(lead.pk, at=AT).next_attempt_at == TUESDAY

    early = distribute_lead(lead.pk, at=TUESDAY - timedelta(microseconds=1))
    assert early.not_run == "not_due"
    assert distribute_lead(lead.pk, at=TUESDAY).result == "success"


def test_every_reason_of_the_registry_has_a_case() -> None:
    lead_level = {code for code, reason in SKIP_REASONS.items() if Level.LEAD in reason.levels}
    buyer_level = {code for code, reason in SKIP_REASONS.items() if Level.BUYER in reason.levels}

    elsewhere = ENDED_FROM_OUTSIDE | OF_OFFERS | OF_GATES
    assert {case.lead_reason for case in CASES.values()} == lead_level - elsewhere
    assert {case.buyer_reason for case in CASES.values()} | {"outranked"} == (
        buyer_level - OF_BIDS - OF_PLACES
    ) | {""}


def test_registry_has_the_usual_class() -> None:
    """The cases show the registry's values: the class decides the lead's next state."""
    usual = {"retry": {RetryClass.TRANSIENT, RetryClass.ERROR}, "deferred": {RetryClass.DEFERRED}}
    for name, case in CASES.items():
        if name not in UNUSUAL:
            classes = usual.get(case.result, {RetryClass.PERMANENT})
            assert SKIP_REASONS[case.lead_reason].retry_class in classes, name
