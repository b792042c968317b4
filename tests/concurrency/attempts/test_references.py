"""A row is not busy just because another transaction refers to it by foreign key."""

import pytest
from django.db import connection
from uuid6 import uuid7

from distribution import locks as buyer_locks
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import NotRun
from distribution.models import Assignment, Enrollment, LedgerEntry, LedgerKind, Wallet
from routing.locks import attempts as lead_locks
from routing.models import Lead
from tests.support.factories import BuyerFactory, CampaignFactory, enroll
from tests.support.race_leads import assert_verified, make_leads
from tests.support.racing import open_transaction

pytestmark = pytest.mark.usefixtures("committed_db")


def for_update(sql: str) -> str:
    """The lock that looks right, but conflicts with the KEY SHARE of every foreign key check."""
    assert "FOR NO KEY UPDATE" in sql
    return sql.replace("FOR NO KEY UPDATE", "FOR UPDATE")


def one_buyer_two_leads() -> tuple[Enrollment, int, int]:
    campaign = CampaignFactory(price_cents=100)
    enrollment = enroll(campaign, count=1, credits_cents=10_000)[0]
    lead_id, other_id = make_leads(campaign, count=2)
    return enrollment, lead_id, other_id


def refer_to_buyer(enrollment: Enrollment, *, lead_id: int) -> None:
    """Write an assignment and a ledger entry, with key checks on lead, buyer, campaign, enrollment and wallet."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # check now, not at the commit
    assignment = Assignment.objects.create(
        lead_id=lead_id,
        buyer=enrollment.buyer,
        campaign=enrollment.campaign,
        enrollment=enrollment,
        attempt_id=uuid7(),
        price_cents=100,
    )
    LedgerEntry.objects.create(
        wallet=Wallet.objects.get(buyer=enrollment.buyer),
        kind=LedgerKind.CHARGE,
        amount_cents=-100,
        balance_after_cents=9_900,
        idempotency_key="reference",
        assignment=assignment,
        actor="test",
    )


def test_referenced_buyer_is_free() -> None:
    enrollment, lead_id, other_id = one_buyer_two_leads()
    with open_transaction(lambda: refer_to_buyer(enrollment, lead_id=other_id)):
        assert distribute_lead(lead_id).result == "success"
    assert Assignment.objects.count() == 1
    assert_verified()


def test_control_with_for_update_the_only_buyer_looks_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    enrollment, lead_id, other_id = one_buyer_two_leads()
    for name in ("LOCK_CANDIDATES", "WAIT_FOR_CANDIDATES"):
        monkeypatch.setattr(buyer_locks, name, for_update(getattr(buyer_locks, name)))
    with open_transaction(lambda: refer_to_buyer(enrollment, lead_id=other_id)):
        outcome = distribute_lead(lead_id)
    assert (outcome.result, outcome.skip_reason) == ("retry", "tier_lock_contention")
    assert Assignment.objects.count() == 0
    assert_verified()


def refer_to_lead(lead_id: int) -> None:
    """An assignment of this lead to a buyer that is not in its campaign."""
    lead = Lead.objects.get(pk=lead_id)
    stranger = BuyerFactory(workspace=lead.workspace)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    campaign = CampaignFactory(workspace=lead.workspace, active=False)
    Assignment.objects.create(
        lead=lead, buyer=stranger, campaign=campaign, attempt_id=uuid7(), price_cents=100
    )


def test_referenced_lead_is_free() -> None:
    _, lead_id, _ = one_buyer_two_leads()
    with open_transaction(lambda: refer_to_lead(lead_id)):
        assert distribute_lead(lead_id).result == "success"
    assert_verified()


def test_control_with_for_update_the_lead_looks_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    _, lead_id, _ = one_buyer_two_leads()
    monkeypatch.setattr(lead_locks, "LOCK_LEAD", for_update(lead_locks.LOCK_LEAD))
    with open_transaction(lambda: refer_to_lead(lead_id)):
        assert distribute_lead(lead_id).not_run is NotRun.BUSY
