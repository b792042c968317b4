"""`reconcile stale_locks` and calls: the claim of a call that is out is never ended on time alone."""

from datetime import timedelta
from typing import Final

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.calls.applying import apply_new
from distribution.calls.carrier import Dialed, DialOutcome, Problem
from distribution.calls.concluding import conclude_unanswered
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.inbox import store
from distribution.calls.notices import Notice
from distribution.models import Call, Verification
from distribution.verify import run_verification
from routing.models import Lead
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.functional.verify.world import broken
from tests.support.factories import CallFactory, LeadFactory
from tests.support.planting import plant
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

RUN: Final = find_reconciler("stale_locks")
SID: Final = "CA" + "a" * 32
A_DAY: Final = timedelta(days=1)
ENDED: Final = "state = 'ended', ended_at = now(), next_check_at = NULL"


def age() -> None:
    """As if every claim had begun yesterday."""
    Lead.objects.filter(status="calling").update(locked_at=timezone.now() - A_DAY)


def test_call_that_is_out_for_a_day_keeps_its_lead() -> None:
    """The carrier is away: the person may still be on the phone."""
    call = CallFactory()
    Call.objects.update(dialed_at=timezone.now() - A_DAY)
    age()

    assert run_reconciler(RUN, fix=True) == Counts(checked=1)

    lead = Lead.objects.get()
    assert (lead.status, lead.locked_by) == ("calling", call.owner)
    assert lead.locked_at is not None
    assert timezone.now() - lead.locked_at < timedelta(minutes=1)
    assert Attempt.objects.count() == 0
    assert run_reconciler(RUN, fix=False) == Counts()
    assert broken(run_verification()) == {}


def test_claim_is_renewed_by_each_question_to_the_carrier() -> None:
    call = CallFactory(state="ringing", carrier_sid="CA1")
    age()

    conclude_unanswered(call.pk, at=timezone.now())

    assert run_reconciler(RUN, fix=False) == Counts()
    assert run_reconciler(RUN, fix=True) == Counts()


def test_claim_is_renewed_by_each_report_of_the_carrier() -> None:
    call = CallFactory(state="queued", carrier_sid=SID)
    age()

    assert store(Notice("status", SID, "ringing", 1), call_id=call.pk)
    apply_new(limit=1)

    assert Call.objects.get().state == "ringing"
    assert run_reconciler(RUN, fix=False) == Counts()


@pytest.mark.parametrize(
    "dialed",
    [Dialed(DialOutcome.PLACED, sid=SID), Dialed(DialOutcome.UNKNOWN, problem=Problem.NO_ANSWER)],
    ids=["placed", "unknown"],
)
def test_claim_is_renewed_by_the_answer_to_the_request(dialed: Dialed) -> None:
    call, at = CallFactory(), timezone.now()
    age()

    with transaction.atomic():
        write_dial_outcome(call.pk, dialed, dialed_at=at, at=at)

    assert Call.objects.get().dial == dialed.outcome.value
    assert run_reconciler(RUN, fix=False) == Counts()


@pytest.mark.finds("stale_locks")
@pytest.mark.parametrize(
    ("outcome", "lead_status", "state"),
    [
        ("confirmed", "pending", "verified"),
        ("opted_out", "failed", "declined"),
        ("no_answer", "gated", "waiting"),
        ("not_placed", "gated", "waiting"),
    ],
)
def test_lead_whose_call_has_ended_goes_on_as_after_it(outcome: str, lead_status: str, state: str) -> None:
    CallFactory()
    plant(f"UPDATE distribution_call SET {ENDED}, outcome = %s", [outcome])
    age()

    assert run_reconciler(RUN, fix=True).repaired == 1

    lead = Lead.objects.get()
    assert (lead.status, lead.locked_by, Verification.objects.get().state) == (lead_status, "", state)
    assert run_reconciler(RUN, fix=True) == Counts()
    assert broken(run_verification()) == {}


@pytest.mark.finds("stale_locks")
def test_lead_whose_call_is_gone_is_called_again() -> None:
    CallFactory()
    plant("DELETE FROM distribution_call")
    age()

    assert run_reconciler(RUN, fix=True).repaired == 1

    assert (Lead.objects.get().status, Verification.objects.get().state) == ("gated", "waiting")
    assert broken(run_verification()) == {}


@pytest.mark.finds("stale_locks")
def test_claims_of_calls_and_of_other_work_are_ended_together() -> None:
    live, lost = CallFactory(), CallFactory()
    Call.objects.filter(pk=lost.pk).delete()
    other = LeadFactory()
    Lead.objects.filter(pk=other.pk).update(
        status="calling", next_attempt_at=None, locked_by="import:1", locked_at=timezone.now()
    )
    age()

    counts = run_reconciler(RUN, fix=True)

    assert (counts.checked, counts.repaired, set(counts.named)) == (
        *(3, 2),
        {f"lead {lost.lead_id}", f"lead {other.pk}"},
    )
    statuses = dict(Lead.objects.values_list("pk", "status"))
    assert statuses == {live.lead_id: "calling", lost.lead_id: "gated", other.pk: "pending"}
