"""Damage to verifications and calls is found: by the checks that it breaks, and by no other."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Call, Channel, Verification
from distribution.verify import run_verification
from routing.models import Lead
from tests.functional.verify.world import broken
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    ChannelFactory,
    EnrollmentFactory,
    LeadFactory,
)
from tests.support.planting import plant, without
from tracing import audit
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

AT: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
LEAD, VERIFICATION, CALL = "routing_lead", "distribution_verification", "distribution_call"
CHANNEL = "distribution_channel"
ENDED = "ended_at = now(), state = 'closed', due_at = NULL"
ANOTHER = (
    f"INSERT INTO {VERIFICATION} (public_id, lead_id, workspace_id, campaign_id, attempt_id, state, opened_at)"
    f" SELECT gen_random_uuid(), lead_id, workspace_id, campaign_id, gen_random_uuid(), 'person', now()"
    f" FROM {VERIFICATION} WHERE lead_id = {{gated}}"
)
# The statement, the findings by invariant, and the table and name of the constraint that prevents it.
PLANTED: dict[str, tuple[str, dict[int, list[str]], tuple[str, ...]]] = {
    "gated_without_a_verification": (
        f"UPDATE {VERIFICATION} SET {ENDED} WHERE lead_id = {{gated}}",
        {4: ["lead {gated}: is gated, but has no open verification"]},
        (),
    ),
    "called_without_a_verification": (
        f"UPDATE {VERIFICATION} SET {ENDED} WHERE lead_id = {{called}}",
        {
            4: [
                "lead {called}: is calling, but has no open verification",
                "lead {called}: has an open call of another verification",
            ]
        },
        (),
    ),
    "open_verification_of_a_failed_lead": (
        f"UPDATE {LEAD} SET status = 'failed', finished_at = now() WHERE id = {{gated}}",
        {4: ["lead {gated}: is failed, but has an open verification"]},
        (),
    ),
    "two_open_verifications": (
        ANOTHER,
        {4: ["lead {gated}: has 2 open verifications"]},
        (VERIFICATION, "verification_one_open_of_lead"),
    ),
    "gated_while_it_is_called": (
        f"UPDATE {VERIFICATION} SET state = 'calling', due_at = NULL WHERE lead_id = {{gated}}",
        {4: ["lead {gated}: is gated, but the state of its verification is calling"]},
        (),
    ),
    "called_while_it_waits": (
        f"UPDATE {VERIFICATION} SET state = 'waiting', due_at = now() WHERE lead_id = {{called}}",
        {4: ["lead {called}: is calling, but the state of its verification is waiting"]},
        (),
    ),
    "called_without_a_call": (
        f"UPDATE {CALL} SET state = 'ended', ended_at = now(), outcome = 'failed', next_check_at = NULL"
        " WHERE id = {call}",
        {4: ["lead {called}: is calling, but has no open call"]},
        (),
    ),
    "claim_of_another_call": (
        f"UPDATE {LEAD} SET locked_by = 'call:another' WHERE id = {{called}}",
        {4: ["lead {called}: is claimed by another call than its open one"]},
        (),
    ),
    "call_of_another_verification": (
        f"UPDATE {CALL} SET verification_id = (SELECT id FROM {VERIFICATION} WHERE lead_id = {{gated}})"
        " WHERE id = {call}",
        {4: ["lead {called}: has an open call of another verification"]},
        (),
    ),
    "two_calls_of_a_lead": (
        f"UPDATE {CALL} SET lead_id = {{called}}, phone_hash = 'b' WHERE id = {{other_call}}",
        {
            4: [
                "lead {called}: has 2 open calls",
                "lead {other_called}: is calling, but has no open call",
            ]
        },
        (CALL, "call_one_open_of_lead"),
    ),
    "ended_without_an_outcome": (
        f"UPDATE {CALL} SET outcome = '' WHERE id = {{ended_call}}",
        {4: ["call {ended_call}: has ended without an outcome"]},
        (CALL, "call_ended_at_iff_ended"),
    ),
    "outcome_without_an_end": (
        f"UPDATE {CALL} SET outcome = 'busy' WHERE id = {{call}}",
        {4: ["call {call}: is dialing and has an outcome, but no end"]},
        (CALL, "call_ended_at_iff_ended"),
    ),
    "gated_attempt_without_a_verification": (
        f"UPDATE {VERIFICATION} SET attempt_id = gen_random_uuid() WHERE lead_id = {{gated}}",
        {5: ["attempt {attempt}: is gated, but opened no verification"]},
        (),
    ),
    "verification_of_an_attempt_that_sold": (
        f"UPDATE {VERIFICATION} SET attempt_id = '{{sold_attempt}}' WHERE lead_id = {{called}}",
        {5: ["attempt {sold_attempt}: opened a verification, but its result is success"]},
        (),
    ),
    "gated_attempt_that_would_sell": (
        "UPDATE tracing_attempt SET facts = facts || '{{\"verification\": [\"call\"]}}' WHERE id = '{attempt}'",
        {7: ["attempt {attempt}: recorded 0 steps of the pool, now decides 2"]},
        (),
    ),
    "sold_attempt_that_would_gate": (
        "UPDATE tracing_attempt SET facts = facts - 'verification' WHERE id = '{sold_attempt}'",
        {7: ["attempt {sold_attempt}: recorded 2 steps of the pool, now decides 0"]},
        (),
    ),
    "more_calls_than_lines": (
        f"UPDATE {CHANNEL} SET lines = 1 WHERE id = {{channel}}",
        {8: ["channel {channel}: has 2 calls out, but 1 line"]},
        (),
    ),
    "phone_called_twice": (
        f"UPDATE {CALL} SET phone_hash = 'a' WHERE id IN ({{call}}, {{other_call}})",
        {8: ["call {other_call}: calls a phone with 2 calls out"]},
        (CALL, "call_one_open_of_phone"),
    ),
}


@pytest.fixture
def names(committed_db: None) -> dict[str, object]:  # noqa: ARG001
    """A gated lead, a sold one that was verified, two that are called over one channel, and one whose call ended."""
    campaign = CampaignFactory(verification="required")
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=100_000)
    gated = LeadFactory(source__workspace=campaign.workspace, next_attempt_at=AT)
    assert distribute_lead(gated.pk, at=AT).result == "gated"
    sold = LeadFactory(source=gated.source, next_attempt_at=AT, verification="call", verified_at=AT)
    assert distribute_lead(sold.pk, at=AT).result == "success"
    channel = ChannelFactory(account__workspace=campaign.workspace)
    call, other = (_call(campaign.pk, channel) for _ in range(2))
    ended = CallFactory(
        state="ended",
        ended_at=AT,
        outcome="busy",
        next_check_at=None,
        verification__state="waiting",
        verification__due_at=AT,
        verification__lead__status="gated",
        verification__lead__locked_by="",
        verification__lead__locked_at=None,
    )
    return {
        "gated": gated.pk,
        "attempt": Attempt.objects.get(lead_id=gated.pk).pk,
        "sold_attempt": Attempt.objects.get(lead_id=sold.pk).pk,
        "channel": channel.pk,
        "call": call.pk,
        "called": call.lead_id,
        "other_call": other.pk,
        "other_called": other.lead_id,
        "ended_call": ended.pk,
    }


def _call(campaign_id: int, channel: Channel) -> Call:
    return CallFactory(
        channel=channel,
        verification__campaign_id=campaign_id,
        verification__lead__source__workspace=channel.workspace,
    )


@pytest.mark.usefixtures("names")
def test_everything_holds_before_the_damage() -> None:
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_breach_of_a_call_is_found(name: str, names: dict[str, object]) -> None:
    sql, breaches, constraint = PLANTED[name]
    with ExitStack() as stack:
        if constraint:
            stack.enter_context(without(constraint[1], table=constraint[0]))
        plant(sql.format(**names))
        found = broken(run_verification())
        again = broken(run_verification(incremental=True))

    assert (
        found
        == again
        == {
            number: [message.format(**names) for message in messages] for number, messages in breaches.items()
        }
    )


def test_lines_that_were_lowered_while_calls_are_out_are_noted(names: dict[str, object]) -> None:
    channel = Channel.objects.get(pk=names["channel"])
    channel.lines = 1
    channel.save(update_fields=["lines"])
    audit.record_save(channel, actor="ann", workspace_id=channel.workspace_id, before={"lines": 2})

    report = run_verification()

    assert report.holds
    [notes] = [findings.notes for each, findings in report.results if each.name == "caps"]
    assert notes == ["1 channel has more calls out than lines, because its lines were lowered"]


def test_lines_that_were_lowered_before_the_last_call_are_no_excuse(names: dict[str, object]) -> None:
    channel = Channel.objects.get(pk=names["channel"])
    channel.lines = 1
    channel.save(update_fields=["lines"])
    audit.record_save(channel, actor="ann", workspace_id=channel.workspace_id, before={"lines": 2})
    Call.objects.filter(pk=names["call"]).update(created_at=timezone.now() + timedelta(minutes=2))

    assert broken(run_verification()) == {8: [f"channel {channel.pk}: has 2 calls out, but 1 line"]}


def test_touched_verifications_and_calls_are_checked_again(names: dict[str, object]) -> None:
    assert broken(run_verification(incremental=True)) == {}

    plant(f"UPDATE {VERIFICATION} SET {ENDED} WHERE lead_id = %s", [names["gated"]])
    plant(
        f"UPDATE {CALL} SET state = 'ended', ended_at = now(), outcome = 'failed', next_check_at = NULL WHERE id = %s",
        [names["call"]],
    )

    assert broken(run_verification(incremental=True)) == {
        4: [
            f"lead {names['gated']}: is gated, but has no open verification",
            f"lead {names['called']}: is calling, but has no open call",
        ]
    }


def test_claim_of_other_work_needs_no_verification() -> None:
    lead = LeadFactory()
    Lead.objects.filter(pk=lead.pk).update(
        status="calling", next_attempt_at=None, locked_by="import:1", locked_at=AT
    )

    assert Verification.objects.count() == 0
    assert run_verification().holds
