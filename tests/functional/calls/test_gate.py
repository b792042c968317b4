"""A campaign that asks for a verification holds its leads back until the person is verified, or proves consent."""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Verification
from distribution.verify import run_verification
from routing.models import Lead
from tests.support.event_shapes import misshapen
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory
from tracing.models import Attempt, LeadDistributionEvent

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("committed_db")


def build(campaign: dict[str, Any], lead: dict[str, Any]) -> Lead:
    sold_by = CampaignFactory(price_cents=2_000, **campaign)
    EnrollmentFactory(campaign=sold_by, buyer__credits_cents=10_000)
    return LeadFactory(source__workspace=sold_by.workspace, next_attempt_at=AT, **lead)


PROOF = {"token": "https://cert.example/1"}


@pytest.mark.parametrize(
    ("campaign", "lead", "result"),
    [
        ({}, {}, "success"),
        ({"verification": "required"}, {}, "gated"),
        ({"verification": "required"}, {"consent": PROOF}, "gated"),
        ({"verification": "required"}, {"verification": "call", "verified_at": AT}, "success"),
        ({"verification": "required"}, {"verification": "hand", "verified_at": AT}, "success"),
        ({"verification": "required", "unverified_end": "sell"}, {"verification": "unverified"}, "success"),
        ({"verification": "required", "unverified_end": "fail"}, {"verification": "unverified"}, "unsold"),
        ({"verification": "required", "unverified_end": "person"}, {"verification": "unverified"}, "unsold"),
        ({"verification": "unless_consent"}, {"verification": "unverified", "consent": PROOF}, "success"),
        ({"verification": "unless_consent"}, {"verification": "declined", "consent": PROOF}, "unsold"),
        ({"verification": "required"}, {"is_test": True, "email_hash": None, "phone_hash": None}, "success"),
        ({"verification": "unless_consent"}, {}, "gated"),
        ({"verification": "unless_consent"}, {"consent": PROOF}, "success"),
        ({"verification": "unless_consent", "consent_kind": "given_at"}, {"consent": PROOF}, "gated"),
        (
            {"verification": "unless_consent", "consent_kind": "given_at"},
            {"consent": {"given_at": "2026-03-01T12:00:00Z"}},
            "success",
        ),
        ({"verification": "required", "mode": "ping_post", "offer_fields": ["zip3"]}, {}, "gated"),
        ({"verification": "required", "mode": "auction"}, {}, "gated"),
    ],
)
def test_gate(campaign: dict[str, Any], lead: dict[str, Any], result: str) -> None:
    found = build(campaign, lead)

    outcome = distribute_lead(found.pk, at=AT)

    assert outcome.result == result
    found.refresh_from_db()
    waits = Verification.objects.filter(lead=found, state="waiting", due_at=AT, workspace=found.workspace)
    assert (found.status == "gated", waits.count()) == ((True, 1) if result == "gated" else (False, 0))
    assert misshapen(LeadDistributionEvent.objects.filter(attempt_id=outcome.attempt_id)) == []
    assert run_verification().holds


def test_trace_says_what_would_let_it_pass() -> None:
    lead = build({"verification": "unless_consent"}, {"consent": {"given_at": "2026-03-01T12:00:00Z"}})

    outcome = distribute_lead(lead.pk, at=AT)

    attempt = Attempt.objects.get(pk=outcome.attempt_id)
    assert (attempt.result, attempt.skip_reason, attempt.campaign_id) == (
        *("gated", "verification_required"),
        Campaign.objects.get().pk,
    )
    [event] = LeadDistributionEvent.objects.filter(attempt_id=attempt.pk, event="gated_for_verification")
    assert event.data == {
        "verification": str(Verification.objects.get().public_id),
        "needed": "unless_consent",
        "consent_kind": "token",
        "consents": ["given_at"],
    }


def test_unverified_lead_costs_its_share_of_the_price() -> None:
    lead = build(
        {"verification": "required", "unverified_end": "sell", "unverified_percent": 35},
        {"verification": "unverified"},
    )

    assert distribute_lead(lead.pk, at=AT).charged_cents == 700


@pytest.mark.parametrize(
    ("lead", "result", "pools"),
    [({}, "gated", 0), ({"verification": "call", "verified_at": AT}, "success", 1)],
)
def test_gate_is_looked_at_without_the_pool(
    lead: dict[str, Any], result: str, pools: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is screened for the sale alone."""
    engine = import_module("distribution.engine.decide")
    screened: list[int] = []
    screen = engine.screen

    def count(campaign: Any, **facts: Any) -> Any:
        screened.append(campaign.id)
        return screen(campaign, **facts)

    monkeypatch.setattr(engine, "screen", count)

    assert distribute_lead(build({"verification": "required"}, lead).pk, at=AT).result == result

    assert len(screened) == pools


def test_lead_that_leaves_the_gate_has_no_open_verification() -> None:
    lead = build({"verification": "required"}, {})
    distribute_lead(lead.pk, at=AT)

    Lead.objects.filter(pk=lead.pk).update(status="cancelled", finished_at=AT)

    verification = Verification.objects.get()
    assert (verification.state, verification.due_at) == ("closed", None)
    assert verification.ended_at is not None
