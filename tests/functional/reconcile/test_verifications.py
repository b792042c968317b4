"""`reconcile verifications`: a lead is gated or called exactly while its verification is open, and is asked for."""

from typing import Final

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Call, Campaign, Verification
from distribution.reconcile import verifications
from distribution.verify import run_verification
from routing.models import Lead
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.factories import CallFactory, ChannelFactory, EnrollmentFactory, VerificationFactory
from tests.support.planting import plant
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

RUN: Final = find_reconciler("verifications")
ENDED: Final = "state = 'ended', ended_at = now(), next_check_at = NULL"


def repair(*, found: int = 1) -> None:
    """It reports, repairs, and finds nothing the second time."""
    report = run_reconciler(RUN, fix=False)
    assert (report.repaired, report.skipped) == (0, found)
    assert run_reconciler(RUN, fix=True).repaired == found
    assert run_reconciler(RUN, fix=True).found == 0
    assert broken(run_verification()) == {}


def state_of(verification: Verification) -> tuple[str, str, bool]:
    verification.refresh_from_db()
    lead = Lead.objects.get(pk=verification.lead_id)
    return lead.status, verification.state, verification.due_at is not None


def test_what_fits_is_left_alone() -> None:
    waiting = let_wait(ChannelFactory())
    person = VerificationFactory(state="person", due_at=None)
    call = CallFactory()

    assert run_reconciler(RUN, fix=True) == Counts(checked=3)

    assert state_of(waiting) == ("gated", "waiting", True)
    assert state_of(person) == ("gated", "person", False)
    assert state_of(call.verification) == ("calling", "calling", False)


@pytest.mark.finds("verifications")
def test_gated_lead_without_a_verification_is_due() -> None:
    waiting = let_wait(ChannelFactory())
    EnrollmentFactory(campaign=waiting.campaign, buyer__credits_cents=10_000)
    plant("UPDATE distribution_verification SET state = 'closed', due_at = NULL, ended_at = now()")

    repair()

    lead = Lead.objects.get()
    assert (lead.status, lead.due_reason) == ("pending", "verification_ended")
    assert distribute_lead(lead.pk).result == "gated"
    assert Verification.objects.filter(lead=lead, state="waiting").count() == 1


@pytest.mark.finds("verifications")
@pytest.mark.parametrize("state", ["waiting", "person"])
@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"verification": "none"},
        {"verification": "unless_consent", "consent_kind": "token"},
    ],
    ids=["off", "asks no more", "proof is enough"],
)
def test_lead_that_nobody_asks_to_verify_goes_on(state: str, change: dict[str, object]) -> None:
    waiting = let_wait(ChannelFactory(), lead__consent={"token": "https://cert.example/1"})
    if state == "person":
        Verification.objects.update(state="person", due_at=None)
    Campaign.objects.update(**change)

    repair()

    assert state_of(waiting) == ("pending", "closed", False)


def test_lead_that_lacks_the_proof_keeps_waiting() -> None:
    waiting = let_wait(ChannelFactory(), lead__consent={"given_at": "2026-03-01T12:00:00Z"})
    Campaign.objects.update(verification="unless_consent", consent_kind="token")

    assert run_reconciler(RUN, fix=True).found == 0

    assert state_of(waiting) == ("gated", "waiting", True)


@pytest.mark.finds("verifications")
@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_open_verification_of_a_finished_lead_is_closed(status: str) -> None:
    waiting = let_wait(ChannelFactory())
    plant("UPDATE routing_lead SET status = %s, finished_at = now()", [status])

    repair()

    assert state_of(waiting) == (status, "closed", False)


@pytest.mark.finds("verifications")
def test_gated_lead_whose_verification_is_being_called_waits_again() -> None:
    waiting = let_wait(ChannelFactory())
    plant("UPDATE distribution_verification SET state = 'calling', due_at = NULL")

    repair()

    assert state_of(waiting) == ("gated", "waiting", True)


@pytest.mark.finds("verifications")
def test_called_lead_whose_call_is_gone_is_called_again() -> None:
    call = CallFactory()
    plant("DELETE FROM distribution_call")

    repair()

    assert state_of(call.verification) == ("gated", "waiting", True)


@pytest.mark.finds("verifications")
@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        ("confirmed", ("pending", "verified", False)),
        ("declined", ("failed", "declined", False)),
        ("busy", ("gated", "waiting", True)),
        ("not_placed", ("gated", "waiting", True)),
    ],
)
def test_called_lead_whose_call_has_ended_goes_on_as_after_it(
    outcome: str, states: tuple[str, str, bool]
) -> None:
    call = CallFactory()
    plant(f"UPDATE distribution_call SET {ENDED}, outcome = %s", [outcome])

    repair()

    assert state_of(call.verification) == states


@pytest.mark.finds("verifications")
def test_called_lead_of_an_ended_call_without_a_verification_is_due() -> None:
    CallFactory()
    plant(f"UPDATE distribution_call SET {ENDED}, outcome = 'busy'")
    plant("UPDATE distribution_verification SET state = 'closed', ended_at = now()")

    repair()

    lead = Lead.objects.get()
    assert (lead.status, lead.locked_by) == ("pending", "")


@pytest.mark.finds("verifications")
def test_open_verifications_are_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unfit ones are the last of many, and more than a batch."""
    monkeypatch.setattr(verifications, "VERIFICATIONS_PER_PAGE", 2)
    monkeypatch.setattr(verifications, "LEADS_PER_BATCH", 1)
    channel = ChannelFactory()
    waiting = [let_wait(channel, phone=f"+1404555010{number}") for number in range(7)]
    plant(
        "UPDATE routing_lead SET status = 'failed', finished_at = now() WHERE id >= %s", [waiting[4].lead_id]
    )

    repair(found=3)

    assert [state_of(each)[1] for each in waiting] == ["waiting"] * 4 + ["closed"] * 3


@pytest.mark.finds("verifications")
def test_many_are_repaired_in_batches() -> None:
    channel = ChannelFactory()
    for number in range(7):
        let_wait(channel, phone=f"+1404555010{number}")
    plant("UPDATE distribution_verification SET state = 'closed', due_at = NULL, ended_at = now()")

    limited = run_reconciler(RUN, fix=True, limit=3)

    assert limited.repaired == 3
    assert run_reconciler(RUN, fix=True).repaired == 4
    assert Lead.objects.filter(status="pending", next_attempt_at__gt=AT).count() == 7
    assert Call.objects.count() == 0
