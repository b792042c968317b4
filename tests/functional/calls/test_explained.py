"""A verification in every explanation: the page, the command, the question about a buyer, and the API for sources."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.api.calldocuments import CallsAnswer
from distribution.attempts.distribute import distribute_lead
from distribution.calls.by_hand import call_now, verify_by_hand
from distribution.calls.hearing import hear
from distribution.calls.liveness import write_dialer_heartbeat
from distribution.calls.locks import lock_call
from distribution.calls.settling import NOT_CALLABLE
from distribution.calls.states import Said
from distribution.explain import verification as explaining
from distribution.explain.lead import explain
from distribution.explain.types import to_json
from distribution.models import Buyer, Call, CarrierAccount, Channel, Dialer, Verification
from routing.leads.actions import Operator
from routing.models import DispatchControl, Lead, Source, Workspace
from tests.support.described import assert_described
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    ChannelFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    WorkspaceFactory,
    issue_key,
)
from tracing.call_events import OUTCOMES, WAIT_REASONS
from tracing.wording import local_second, sentence

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOLDS: Any = [
    ("product_paused", lambda: DispatchControl.objects.update_or_create(pk=1, defaults={"paused_at": AT})),
    ("workspace_paused", lambda: Workspace.objects.update(paused_at=AT)),
    ("no_address", lambda: Dialer.objects.update(has_address=False)),
    ("no_channel", lambda: Channel.objects.update(is_enabled=False)),
    ("no_channel", lambda: Channel.objects.update(flagged_at=AT, flag_reason="spam")),
    ("account_stopped", lambda: CarrierAccount.objects.update(stopped_at=AT, stop_code="queue_full")),
    ("account_stopped", lambda: CarrierAccount.objects.update(is_enabled=False)),
    ("no_channel", lambda: Channel.objects.update(timezone="Mars/Olympus")),
    ("channel_closed", lambda: Channel.objects.update(hours={"mon": []})),
    ("no_line", lambda: CallFactory(channel=Channel.objects.get(), account=CarrierAccount.objects.get())),
    ("paced", lambda: Channel.objects.update(next_dial_at=timezone.now() + timedelta(hours=1))),
]
BY = Operator("olga", "spoke to the person")
CALL = "a call in which the person presses 1"
HAND = "an operator who verifies the person by hand"


@pytest.fixture(autouse=True)
def dialer() -> None:
    write_dialer_heartbeat("one", at=timezone.now())


def due(lead: Lead) -> str:
    row = Verification.objects.get(lead=lead)
    assert row.due_at is not None
    return local_second(row.due_at, timezone=lead.workspace.timezone)


def gate(**campaign: Any) -> Lead:
    found = CampaignFactory(name="Roofing Atlanta", **{"verification": "required", **campaign})
    EnrollmentFactory(campaign=found, buyer__name="Acme Roofing", buyer__credits_cents=10_000)
    lead: Lead = LeadFactory(source=SourceFactory(workspace=found.workspace), phone="+14045550123")
    assert distribute_lead(lead.pk).result == "gated"
    lead.refresh_from_db()
    return lead


def wait(**lead: Any) -> Lead:
    """A lead whose call is due in an hour."""
    found = gate(**lead)
    Verification.objects.update(due_at=timezone.now() + timedelta(hours=1))
    return found


def called(lead: Lead, *said: Said, **values: Any) -> Call:
    """A call that is out, to which the carrier's messages came."""
    call = CallFactory(verification=Verification.objects.get(lead=lead), **values)
    Verification.objects.update(state="calling", due_at=None, tries=1)
    Lead.objects.filter(pk=lead.pk).update(status="calling", locked_by=call.owner, locked_at=AT)
    for each in said:
        with transaction.atomic():
            hear(lock_call(call.pk), each, by="webhook", at=AT)
    lead.refresh_from_db()
    call.refresh_from_db()
    return call


def ask(lead: Lead, source: Source | None = None) -> Any:
    client = Client(headers={"Authorization": f"Api-Key {issue_key(source or lead.source)}"})
    return client.get(f"/api/v1/leads/{lead.public_id}/calls/")


class TestExplanation:
    def test_waiting_lead_says_what_follows_and_what_would_let_it_pass(self) -> None:
        lead = wait()

        [verification] = explain(lead).verifications

        row = Verification.objects.get()
        assert row.due_at is not None
        assert verification.verification_id == row.public_id
        assert (verification.state, verification.reason, verification.tries) == ("waiting", "", 0)
        assert verification.next_step == (
            f"The next call goes out from {due(lead)} on, as soon as a line is free."
        )
        assert verification.passes == (CALL, HAND)
        assert (verification.calls, verification.story) == ((), ())

    def test_latest_calls_are_listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A carrier that refuses calls for hours leaves a row for each."""
        lead = wait()
        verification = Verification.objects.get()
        over = {"state": "ended", "outcome": "not_placed", "ended_at": AT, "next_check_at": None}
        for number in range(1, 6):
            CallFactory(verification=verification, number=number, **over)
        monkeypatch.setattr(explaining, "MOST_CALLS", 3)

        [explained] = explain(lead).verifications

        assert [each.number for each in explained.calls] == [3, 4, 5]
        assert [each["number"] for each in ask(lead).json()["calls"]] == [3, 4, 5]

    @pytest.mark.parametrize("reason", sorted(NOT_CALLABLE))
    def test_no_call_lets_a_person_pass_whom_none_can_verify(self, reason: str) -> None:
        lead = wait()
        Verification.objects.update(state="person", due_at=None, reason=reason)

        [verification] = explain(lead).verifications

        assert verification.passes == (HAND,)

    def test_lead_sent_again_with_proof_of_consent_would_be_a_duplicate(self) -> None:
        [verification] = explain(gate(verification="unless_consent", consent_kind="token")).verifications

        assert verification.passes == (CALL, HAND)

    @pytest.mark.parametrize(("reason", "prepare"), HOLDS)
    def test_due_lead_says_what_holds_its_call_back(
        self, reason: str, prepare: Callable[[], object], settings: Any
    ) -> None:
        settings.LEADSWITCH_BASE_URL = ""  # only the dialers' counts
        lead = gate()
        ChannelFactory(account__workspace=lead.workspace, lines=1)
        row = Verification.objects.get()
        prepare()
        assert row.due_at is not None
        since = f"The next call has been due since {row.due_at:%Y-%m-%d %H:%M:%S} UTC."
        local = f"The next call has been due since {due(lead)}."

        [verification] = explain(lead).verifications
        [sent] = explain(lead, is_for_source=True).verifications

        known = WAIT_REASONS[reason]
        shown = verification.reason_sentence
        change = f" What would have to change: {verification.change}." if known.change else ""
        assert verification.reason == reason
        if reason != "no_channel":  # it names the channels
            assert (shown, verification.change) == (known.sentence, known.change)
        assert verification.next_step == f"{local} Why it does not go out: {shown}{change}"
        assert sent.next_step == f"{since} Why it does not go out: {known.sentence}"
        assert ask(lead).json()["verification"]["next_step"] == sent.next_step
        out = StringIO()
        call_command("explain", str(lead.pk), stdout=out)
        assert f"Why it does not go out: {shown}" in " ".join(out.getvalue().split())

    def test_due_lead_that_nothing_holds_back_takes_its_turn(self, settings: Any) -> None:
        settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
        lead = gate()
        ChannelFactory(account__workspace=lead.workspace)
        Verification.objects.update(reason="outside_calling_hours")

        [verification] = explain(lead).verifications

        assert verification.reason == ""
        assert verification.next_step.endswith(f"{due(lead)}. It goes out after the leads before it.")

    def test_reason_of_a_lead_that_is_due_later_is_its_own(self) -> None:
        lead = wait()
        Verification.objects.update(reason="no_answer")

        [verification] = explain(lead).verifications

        assert verification.reason == "no_answer"
        why = sentence(OUTCOMES["no_answer"])
        assert verification.next_step.endswith(f"as soon as a line is free. Why not before: {why}")

    def test_calls_and_story_are_in_order_with_who_did_it(self) -> None:
        lead = gate()
        call = called(lead, Said(status="ringing"), Said(status="no-answer"))
        call_now(Verification.objects.get().pk, at=AT + timedelta(minutes=1), by=Operator("omar", "asked to"))
        verify_by_hand(lead.pk, at=AT + timedelta(minutes=2), by=BY)
        lead.refresh_from_db()

        [verification] = explain(lead).verifications

        [shown] = verification.calls
        ending = OUTCOMES["no_answer"]
        assert (shown.number, shown.channel, shown.outcome) == (1, call.channel.name, "no_answer")
        assert (shown.sentence, shown.ringing_at, shown.ended_at) == (sentence(ending), AT, AT)
        assert [(line.code, line.sentence, line.by) for line in verification.story] == [
            ("ringing", "The phone rings.", ""),
            ("ended", f"The call ended: {ending}.", ""),
            ("again", sentence(f"{ending}, so another call follows"), ""),
            ("call_now", "An operator asked for the next call at once.", "omar"),
            ("verified", "The person was verified by an operator.", "olga"),
        ]
        assert (verification.state, verification.next_step, verification.passes) == ("verified", "", ())
        sent = explain(lead, is_for_source=True).verifications[0]
        assert [line.operator for line in verification.story][-2:] == [
            "omar: asked to",
            "olga: spoke to the person",
        ]
        assert [line.operator for line in sent.story] == [""] * 5
        assert sent.calls[0].channel == ""

    def test_lead_without_one_costs_no_statement(self) -> None:
        lead = LeadFactory()
        with CaptureQueriesContext(connection) as captured:
            assert explain(lead).verifications == ()
        assert "distribution_verification" not in str(captured.captured_queries)

    def test_number_of_statements_does_not_grow_with_the_calls(self) -> None:
        lead = gate()
        called(lead, Said(status="busy"))
        explain(lead)  # names of columns are read once
        with CaptureQueriesContext(connection) as few:
            explain(lead)
        for number in (2, 3, 4):
            CallFactory(
                verification=Verification.objects.get(),
                number=number,
                state="ended",
                ended_at=AT,
                outcome="busy",
                next_check_at=None,
            )
        with CaptureQueriesContext(connection) as many:
            assert len(explain(lead).verifications[0].calls) == 4
        assert len(many) == len(few)

    def test_buyer_is_told_that_the_lead_waits(self) -> None:
        lead = wait()

        answer = explain(lead, buyer=Buyer.objects.get()).answer

        row = Verification.objects.get()
        assert answer is not None
        assert row.due_at is not None
        assert answer.sentence == (
            "Acme Roofing did not get this lead. Roofing Atlanta took the lead, but no buyer was considered: The person"
            f" must be verified first. The lead has waited for its verification since {row.opened_at:%Y-%m-%d %H:%M:%S}"
            f" UTC. The next call goes out from {due(lead)} on, as soon as a line is free. What"
            f" would let it pass: {CALL} or {HAND}."
        )

    def test_command_says_the_same(self) -> None:
        lead = gate()
        called(lead, Said(status="in-progress"), Said(key="1"), Said(status="completed", duration_seconds=21))
        output = StringIO()

        call_command("explain", str(lead.pk), stdout=output)

        text = " ".join(output.getvalue().split())
        assert "Verification opened at" in text
        assert "Call 1 over channel-" in text
        assert "(21 s): The person confirmed the request." in text
        assert "The person pressed 1." in text
        assert "The person was verified in the call." in text

    def test_command_names_who_can_change_it_and_keeps_labels_apart(self) -> None:
        lead, output = wait(), StringIO()

        call_command("explain", str(lead.pk), stdout=output)

        text = output.getvalue()
        assert "to change (the agency): wait for the call, or verify the person by hand" in text
        assert "  to pass    a call in which the person presses 1" in text

    def test_lead_that_waits_for_an_operator_says_why_no_call_follows(self) -> None:
        lead = gate()
        Verification.objects.update(state="person", due_at=None, reason="phone_blocked")

        head = explain(lead).lead

        assert head.reason_sentence == (
            "The person must be verified first. There is no further call. The phone is on the list of blocked phones."
        )
        assert (head.change, head.fixer) == ("verify the person by hand, or give up", "agency")

    def test_json_has_no_phone(self) -> None:
        lead = gate()
        called(lead, Said(status="busy"))

        assert "4045550123" not in str(to_json(explain(lead)))


class TestApi:
    def test_source_reads_its_calls(self) -> None:
        lead = gate()
        call = called(lead, Said(status="ringing"), Said(status="no-answer"), carrier_sid="CA1")
        Verification.objects.update(due_at=timezone.now().replace(microsecond=0) + timedelta(hours=1))

        body = ask(lead).json()

        assert_described(body, CallsAnswer())
        row = Verification.objects.get()
        assert row.due_at is not None
        assert body["status"] == "gated"
        assert body["verification"]["state"] == "waiting"
        assert body["verification"]["reason"] == "no_answer"
        assert body["verification"]["due_at"] == f"{row.due_at:%Y-%m-%dT%H:%M:%S}Z"
        assert body["verification"]["passes"] == [CALL, HAND]
        [sent] = body["calls"]
        assert (sent["number"], sent["outcome"], sent["ended_at"]) == (1, "no_answer", "2026-03-02T15:00:00Z")
        secret = {"4045550123", call.channel.name, call.channel.number, str(call.public_id), "CA1"}
        assert not {each for each in secret if each in str(body)}

    def test_lead_that_needs_none(self) -> None:
        lead = LeadFactory()

        assert ask(lead).json() == {
            "id": str(lead.public_id),
            "status": "pending",
            "verified_at": None,
            "verification": None,
            "calls": [],
        }

    def test_lead_that_was_routed_to_a_partner_shows_no_calls(self) -> None:
        lead = gate()
        called(lead, Said(status="busy"))
        Lead.objects.filter(pk=lead.pk).update(workspace=WorkspaceFactory())

        body = ask(lead).json()

        assert (body["verification"], body["calls"]) == (None, [])

    def test_lead_of_another_source_is_not_found(self) -> None:
        lead = gate()

        assert ask(lead, SourceFactory(workspace=lead.workspace)).status_code == 404

    def test_lead_says_how_it_was_verified(self) -> None:
        lead, at = gate(), timezone.now()
        verify_by_hand(lead.pk, at=at, by=BY)

        lead.refresh_from_db()
        assert (lead.verification, lead.verified_at) == ("hand", at)
