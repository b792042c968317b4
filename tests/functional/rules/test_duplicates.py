"""One person, one sale across partners: which leads count, which comes first, and how far back the search goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Enrollment
from distribution.verify import run_verification
from routing.leads.actions import ActionRefused, rerun_lead
from routing.models import Lead, Source, Workspace
from tests.functional.verify.world import broken
from tests.support.assigning import assign_by_hand
from tests.support.explanations import to_text
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    enroll,
    issue_key,
    person,
)
from tracing.attempt_parts import AttemptEnd, AttemptHead
from tracing.models import Attempt
from tracing.recorder import Recorder, new_attempt_id
from tracing.vocabulary import Event

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
ANN = person("ann@example.com", "+14045550123")
LATER = timedelta(minutes=5)


def agency(**fields: Any) -> Campaign:
    campaign = CampaignFactory(**fields)
    enroll(campaign, count=2, credits_cents=100_000)
    return campaign


def partner_of(*campaigns: Campaign) -> Source:
    """A partner that sends roofing to the first agency and solar to the second."""
    source = SourceFactory(workspace__kind="partner")
    for campaign, vertical in zip(campaigns, ("roofing", "solar"), strict=False):
        RuleFactory(
            workspace=source.workspace,
            destination=campaign.workspace,
            conditions={"field": "vertical", "op": "eq", "value": vertical},
        )
    return source


def came(source: Source, at: datetime = AT, **fields: Any) -> Lead:
    return LeadFactory(source=source, received_at=at, **{**ANN, **fields})


def own_source(campaign: Campaign) -> Source:
    return SourceFactory(workspace=campaign.workspace)


def result(lead: Lead, *, at: datetime | None = None) -> str:
    return distribute_lead(lead.pk, at=at or lead.received_at).result


def explanation_of(lead: Lead) -> str:
    return to_text(explain(Lead.objects.get(pk=lead.pk)), width=200)


class TestWhoCounts:
    def test_second_copy_is_a_duplicate_of_the_first(self) -> None:
        """It is in the lead's state, and in the attempt's result, trace and outcome."""
        one, other = agency(), agency()
        first, second = came(partner_of(one)), came(partner_of(one, other), AT + LATER, vertical="solar")
        assert result(first) == "success"

        outcome = distribute_lead(second.pk, at=second.received_at)

        assert (outcome.result, outcome.skip_reason) == ("duplicate", "duplicate_lead")
        assert outcome.duplicate_of == first.public_id
        second.refresh_from_db()
        assert (second.status, second.workspace, second.next_attempt_at) == (
            "duplicate",
            other.workspace,
            None,
        )
        attempt = Attempt.objects.get(lead_id=second.pk)
        assert (attempt.result, attempt.first_lead_id) == ("duplicate", first.pk)
        assert Assignment.objects.count() == 1
        assert (
            "A duplicate: An earlier lead for the same person was received. The earlier lead is a lead of another"
            in explanation_of(second)
        )
        assert broken(run_verification()) == {}

    @pytest.mark.parametrize("same", ["email_hash", "phone_hash"])
    def test_same_e_mail_or_phone_is_enough(self, same: str) -> None:
        source = own_source(agency())
        assert result(came(source)) == "success"
        other = {"email_hash": "e", "phone_hash": "p", same: ANN[same]}
        assert result(came(source, AT + LATER, **other)) == "duplicate"

    def test_blank_value_has_no_identity(self) -> None:
        """Blank contact details identify no person."""
        source = own_source(agency())
        for number, fields in enumerate((person(), person(), person("a@b.co"), person(phone="+14045550199"))):
            assert result(came(source, AT + number * LATER, **fields)) == "success"

    def test_older_waiting_copy_comes_first_even_if_tried_later(self) -> None:
        """Exactly one of the two is sold."""
        source = own_source(agency())
        older, younger = came(source), came(source, AT + LATER)

        assert result(younger) == "duplicate"
        assert result(older) == "success"
        assert broken(run_verification()) == {}

    def test_lower_id_wins_at_the_same_instant(self) -> None:
        source = own_source(agency())
        first, second = came(source), came(source)
        assert [result(second), result(first)] == ["duplicate", "success"]

    @pytest.mark.parametrize("status", ["failed", "expired", "cancelled", "duplicate"])
    def test_older_unsold_copy_blocks_no_lead(self, status: str) -> None:
        source = own_source(agency())
        older = came(source)
        Lead.objects.filter(pk=older.pk).update(status=status, next_attempt_at=None, finished_at=AT)
        assert result(came(source, AT + LATER)) == "success"

    @pytest.mark.parametrize("status", ["calling", "gated", "offered"])
    def test_older_copy_being_worked_on_comes_first(self, status: str) -> None:
        source = own_source(agency())
        older = came(source)
        lease = {"locked_by": "caller:1", "locked_at": AT} if status == "calling" else {}
        due_at = AT + 2 * LATER if status == "offered" else None
        Lead.objects.filter(pk=older.pk).update(status=status, next_attempt_at=due_at, **lease)
        assert result(came(source, AT + LATER)) == "duplicate"

    def test_rerun_of_a_parked_lead_is_a_duplicate_of_a_copy_sold_since(self) -> None:
        """A rerun bypasses no check. The younger one was sold, so the older one is the duplicate."""
        campaign = agency()
        source = own_source(campaign)
        Enrollment.objects.update(active=False)
        older = came(source)
        assert result(older) == "unsold"
        Enrollment.objects.update(active=True)
        younger = came(source, AT + LATER)
        assert result(younger) == "success"

        rerun_lead(older.pk, at=AT + 2 * LATER)

        assert result(older, at=AT + 2 * LATER) == "duplicate"
        assert Attempt.objects.get(lead_id=older.pk, number=2).first_lead_id == younger.pk
        assert f"The earlier lead is lead {younger.public_id}." in explanation_of(older)
        assert broken(run_verification()) == {}

    def test_retried_winner_is_no_duplicate_of_its_copies(self) -> None:
        source = own_source(agency())
        Enrollment.objects.update(hour_starts_at=None, cap_day=0)
        winner, copy = came(source), came(source, AT + LATER)
        assert result(winner) == "unsold"
        rerun_lead(winner.pk, at=AT + LATER)
        assert result(copy) == "duplicate"
        Enrollment.objects.update(cap_day=None)

        assert result(winner, at=AT + LATER) == "success"

    def test_duplicate_run_again_is_sold_when_the_first_has_ended_unsold(self) -> None:
        source = own_source(agency())
        first, copy = came(source), came(source, AT + LATER)
        assert result(copy) == "duplicate"
        rerun_lead(copy.pk, at=AT + LATER)
        assert result(copy) == "duplicate"
        Lead.objects.filter(pk=first.pk).update(status="cancelled", next_attempt_at=None, finished_at=AT)

        rerun_lead(copy.pk, at=AT + LATER)

        assert result(copy) == "success"
        assert broken(run_verification()) == {}

    def test_person_cannot_sell_it_twice_by_hand(self) -> None:
        source = own_source(agency())
        Enrollment.objects.update(active=False)
        older = came(source)
        assert result(older) == "unsold"
        Enrollment.objects.update(active=True)
        assert result(came(source, AT + LATER)) == "success"

        with pytest.raises(ActionRefused, match="another lead for the same person is sold or still open"):
            assign_by_hand(older.pk, enrollment_id=Enrollment.objects.latest("pk").pk, at=AT + 2 * LATER)
        assert Assignment.objects.count() == 1


def network() -> tuple[Source, Source, Source]:
    """Sources of two agencies that share a partner, and of a third agency without one."""
    one, other, stranger = agency(), agency(), agency()
    partner_of(one, other)
    return own_source(one), own_source(other), own_source(stranger)


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            ("off", ["success", "success", "success"]),
            ("workspace", ["duplicate", "success", "success"]),
            ("partners", ["duplicate", "duplicate", "success"]),
            ("everywhere", ["duplicate", "duplicate", "duplicate"]),
        ],
    )
    def test_workspace_chooses_the_scope_of_the_search(self, scope: str, expected: list[str]) -> None:
        here, connected, stranger = network()
        Workspace.objects.filter(pk=here.workspace_id).update(duplicate_scope=scope)
        results = []
        for number, before in enumerate((here, connected, stranger)):
            ben = person(f"ben{number}@example.com")
            assert result(came(before, **ben)) == "success"
            results.append(result(came(here, AT + LATER, **ben)))
        assert results == expected

    def test_lead_that_still_waits_at_the_partner_counts(self) -> None:
        one = agency()
        partner = partner_of(one)
        waiting = came(partner)
        assert result(came(own_source(one), AT + LATER)) == "duplicate"
        assert result(waiting) == "success"

    def test_inactive_rules_connect_no_workspaces(self) -> None:
        here, connected, _ = network()
        Workspace.objects.get(pk=here.workspace_id).incoming_rules.update(active=False)
        assert [result(came(connected)), result(came(here, AT + LATER))] == ["success", "success"]

    def test_destinations_choice_decides(self) -> None:
        one = agency(workspace__duplicate_scope="off")
        partner = partner_of(one)
        Workspace.objects.filter(pk=partner.workspace_id).update(duplicate_scope="everywhere")
        assert [result(came(partner)), result(came(partner, AT + LATER))] == ["success", "success"]

    @pytest.mark.parametrize(("days", "expected"), [(9, "success"), (10, "duplicate")])
    def test_workspace_chooses_how_far_it_looks_back(self, days: int, expected: str) -> None:
        source = own_source(agency(workspace__duplicate_days=days))
        assert result(came(source)) == "success"
        assert result(came(source, AT + timedelta(days=10))) == expected

    @pytest.mark.parametrize(("is_same_vertical", "expected"), [(False, "duplicate"), (True, "success")])
    def test_workspace_chooses_whether_another_request_is_another_lead(
        self,
        is_same_vertical: bool,  # noqa: FBT001
        expected: str,
    ) -> None:
        source = own_source(agency(workspace__duplicate_same_vertical=is_same_vertical))
        assert result(came(source)) == "success"
        assert result(came(source, AT + LATER, vertical="solar")) == expected
        assert result(came(source, AT + 2 * LATER)) == "duplicate"


class TestResend:
    """The same source and person within a minute: always a duplicate, in every scope."""

    @pytest.mark.parametrize(("seconds", "expected"), [(0, "duplicate"), (60, "duplicate"), (61, "success")])
    def test_resend_within_a_minute_is_a_duplicate(self, seconds: int, expected: str) -> None:
        source = own_source(agency(workspace__duplicate_scope="off"))
        assert result(came(source)) == "success"
        assert result(came(source, AT + timedelta(seconds=seconds), vertical="solar")) == expected

    def test_another_source_is_no_resend(self) -> None:
        campaign = agency(workspace__duplicate_scope="off")
        assert [result(came(own_source(campaign))), result(came(own_source(campaign)))] == ["success"] * 2


class TestFaces:
    def test_sender_sees_its_own_first_lead_and_no_other(self) -> None:
        one = agency()
        ours, theirs = partner_of(one), partner_of(one)
        leads = [came(ours), came(ours, AT + LATER), came(theirs, AT + LATER)]
        assert [result(lead) for lead in leads] == ["success", "duplicate", "duplicate"]
        answers = [
            Client(headers={"Authorization": f"Api-Key {issue_key(lead.source)}"})
            .get(f"/api/v1/leads/{lead.public_id}/")
            .json()
            for lead in leads
        ]
        assert [each["status"] for each in answers] == ["distributed", "duplicate", "duplicate"]
        assert [each["duplicate_of"] for each in answers] == [None, str(leads[0].public_id), None]
        assert [each["reason"] for each in answers] == [None, "duplicate_lead", "duplicate_lead"]

    def test_double_click_is_answered_with_the_first_lead(self) -> None:
        source = own_source(agency())
        client = Client(headers={"Authorization": f"Api-Key {issue_key(source)}", "Prefer": "wait=5"})
        body = {"zip": "30312", "vertical": "roofing", "email": "ANN@example.com"}
        first, second = (
            client.post("/api/v1/leads/", body, content_type="application/json").json() for _ in range(2)
        )
        assert (first["result"], first["duplicate_of"]) == ("success", None)
        assert (second["result"], second["duplicate_of"]) == ("duplicate", first["id"])


def test_duplicate_attempt_names_the_first_lead() -> None:
    """A constraint: a trace that does not is refused, and the lead continues without it."""
    lead = LeadFactory()
    head = AttemptHead(
        new_attempt_id(), lead.pk, 1, "ingest", lead.workspace_id, started_at=timezone.now(), worker=""
    )
    recorder = Recorder(head)
    recorder.add(Event.FAILED, outcome="duplicate", reason="duplicate_lead")
    end = AttemptEnd("duplicate", timezone.now(), 1.0, skip_reason="duplicate_lead")
    assert not recorder.write(end)
    assert not Attempt.objects.exists()
