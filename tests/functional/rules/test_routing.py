"""A partner's lead is routed by the rules and sold in the last workspace. Every reader sees only the permitted part."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from distribution.attempts.campaigns import CAMPAIGNS
from distribution.attempts.decide_under_lock import TierLockContention
from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Enrollment
from distribution.verify import run_verification
from routing.leads.actions import cancel_sent_lead, rerun_lead
from routing.models import Lead, RoutingRule, Source, Workspace
from tests.functional.verify.world import broken
from tests.support.admin_pages import client_of, page, person
from tests.support.explanations import to_text
from tests.support.factories import (
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    WorkspaceFactory,
    enroll,
    give_credits,
    issue_key,
    issue_tracing_key,
)
from tests.support.returning import return_assignment
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

GEORGIA = {"field": "state", "op": "eq", "value": "GA"}


@pytest.fixture
def source() -> Source:
    """A lead of a partner that owns no campaigns."""
    return SourceFactory(workspace__name="Leads & More", workspace__kind="partner", name="feed")


@pytest.fixture
def agency() -> Campaign:
    """Two buyers with credits."""
    campaign = CampaignFactory(workspace__name="Peachtree Roofing")
    enroll(campaign, count=2, credits_cents=100_000)
    return campaign


def send_to(campaign: Campaign, source: Source, **rule: Any) -> RoutingRule:
    fields = {"name": "Georgia roofs", "conditions": GEORGIA, **rule}
    return RuleFactory(workspace=source.workspace, destination=campaign.workspace, **fields)


def explanation_of(lead: Lead) -> str:
    return to_text(explain(Lead.objects.get(pk=lead.pk)), width=200)


def attempt_of(lead: Lead) -> Attempt:
    return Attempt.objects.filter(lead_id=lead.pk).latest("number")


def client_with(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})


class TestSold:
    def test_lead_is_sold_in_the_destination_of_its_rule(self, source: Source, agency: Campaign) -> None:
        rule = send_to(agency, source, tags=["southeast", "test"])
        lead = LeadFactory(source=source)

        outcome = distribute_lead(lead.pk)

        assert (outcome.result, outcome.rule_id) == ("success", rule.pk)
        lead.refresh_from_db()
        assert (lead.workspace, lead.source_workspace) == (agency.workspace, source.workspace)
        assert Assignment.objects.get().campaign == agency
        attempt = attempt_of(lead)
        assert (attempt.source_workspace_id, attempt.destination_workspace_id) == (
            source.workspace_id,
            agency.workspace_id,
        )
        assert (attempt.rule_id, attempt.route) == (
            rule.pk,
            [[source.workspace_id, rule.pk, agency.workspace_id]],
        )
        assert (
            "Routed to Peachtree Roofing by rule 'Georgia roofs' (tags: southeast, test)."
            in explanation_of(lead)
        )
        assert broken(run_verification()) == {}

    def test_rule_with_the_highest_priority_wins(self, source: Source, agency: Campaign) -> None:
        send_to(CampaignFactory(), source, name="low", priority=1)
        send_to(agency, source, name="high", priority=2)
        assert distribute_lead(LeadFactory(source=source).pk).result == "success"

    def test_lead_without_a_rule_stays(self, source: Source, agency: Campaign) -> None:
        send_to(agency, source)
        send_to(agency, source, name="off", conditions={}, active=False)
        lead = LeadFactory(source=source, state="AL", zip="35203")

        outcome = distribute_lead(lead.pk)

        assert (outcome.skip_reason, outcome.rule_id) == ("no_campaign", None)
        lead.refresh_from_db()
        assert lead.workspace == source.workspace
        attempt = attempt_of(lead)
        assert (attempt.destination_workspace_id, attempt.rule_id, attempt.route) == (
            source.workspace_id,
            None,
            [],
        )
        assert "Routed" not in explanation_of(lead)

    def test_path_through_three_workspaces_is_stored(self, source: Source, agency: Campaign) -> None:
        """The original source and destination."""
        hub = WorkspaceFactory(name="Hub")
        first = RuleFactory(workspace=source.workspace, destination=hub, name="everything")
        second = RuleFactory(
            workspace=hub,
            destination=agency.workspace,
            name="roofs",
            conditions={"field": "source", "op": "eq", "value": "feed"},
        )
        lead = LeadFactory(source=source)

        assert distribute_lead(lead.pk).result == "success"

        assert attempt_of(lead).route == [
            [source.workspace_id, first.pk, hub.pk],
            [hub.pk, second.pk, agency.workspace_id],
        ]
        assert attempt_of(lead).rule_id == second.pk
        events = LeadDistributionEvent.objects.filter(lead_id=lead.pk, event="routed").order_by("seq")
        assert [(each.seq, each.data["from"], each.data["to"]) for each in events] == [
            (2, source.workspace_id, hub.pk),
            (3, hub.pk, agency.workspace_id),
        ]
        text = explanation_of(lead)
        assert text.index("Routed to Hub by rule 'everything'.") < text.index("by rule 'roofs'.")
        assert "feed in Leads & More" in text
        assert broken(run_verification()) == {}

    def test_rule_that_is_deleted_later_is_still_named(self, source: Source, agency: Campaign) -> None:
        rule = send_to(agency, source)
        lead = LeadFactory(source=source)
        distribute_lead(lead.pk)
        rule.delete()
        assert "by rule 'Georgia roofs'." in explanation_of(lead)

    def test_rule_named_like_the_person_is_no_breach_of_privacy(
        self, source: Source, agency: Campaign
    ) -> None:
        send_to(agency, source, name="Jackson")
        distribute_lead(LeadFactory(source=source, first_name="Jackson", last_name="Ng").pk)
        assert broken(run_verification()) == {}


class TestAgain:
    """Every attempt starts in the source workspace."""

    def test_rerun_follows_the_corrected_rule(self, source: Source, agency: Campaign) -> None:
        wrong = CampaignFactory(workspace__name="Elsewhere")
        EnrollmentFactory(campaign=wrong, buyer__name="Secret Buyer")
        rule = send_to(wrong, source)
        lead = LeadFactory(source=source)
        assert distribute_lead(lead.pk).skip_reason == "insufficient_credits"
        RoutingRule.objects.filter(pk=rule.pk).update(destination=agency.workspace)

        rerun_lead(lead.pk, at=timezone.now())

        assert distribute_lead(lead.pk).result == "success"
        lead.refresh_from_db()
        assert lead.workspace == agency.workspace
        assert broken(run_verification()) == {}
        # The second agency must not see the state of the first agency's buyers.
        text = explanation_of(lead)
        assert "1 attempt made in another workspace, which has its own buyers: 1." in text
        assert "credits" not in text.split("Attempt 2")[0]
        assert "Secret Buyer" not in text
        story = explain(Lead.objects.get(pk=lead.pk))
        assert (story.attempts[0].buyers, story.attempts[0].campaign, story.attempts[0].reason) == (
            (),
            None,
            "",
        )
        own = Enrollment.objects.filter(campaign=agency)[0].buyer
        answer = explain(Lead.objects.get(pk=lead.pk), buyer=own).answer
        assert answer is not None
        assert [each.number for each in answer.attempts] == [2]

    def test_sale_of_the_previous_workspace_is_not_shown(self, source: Source, agency: Campaign) -> None:
        """It was sold there and returned, and a corrected rule routed it to another agency."""
        wrong = CampaignFactory(workspace__name="Elsewhere", price_cents=7_700)
        EnrollmentFactory(campaign=wrong, buyer__credits_cents=10_000)
        rule = send_to(wrong, source)
        lead = LeadFactory(source=source)
        assert distribute_lead(lead.pk).result == "success"
        assert [sale.price_cents for sale in explain(Lead.objects.get(pk=lead.pk)).sales] == [7_700]
        return_assignment(Assignment.objects.get().public_id, actor="test", reason="wrong number")
        RoutingRule.objects.filter(pk=rule.pk).update(destination=agency.workspace)

        rerun_lead(lead.pk, at=timezone.now())

        assert distribute_lead(lead.pk).result == "success"
        assert "77.00" not in explanation_of(lead)
        [sale] = explain(Lead.objects.get(pk=lead.pk)).sales
        assert sale.price_cents == agency.price_cents

    def test_lead_whose_rule_is_gone_is_back_in_its_source_workspace(
        self, source: Source, agency: Campaign
    ) -> None:
        Enrollment.objects.update(cap_day=0)
        rule = send_to(agency, source)
        lead = LeadFactory(source=source)
        assert distribute_lead(lead.pk).result == "unsold"
        rule.delete()
        rerun_lead(lead.pk, at=timezone.now())

        assert distribute_lead(lead.pk).skip_reason == "no_campaign"

        lead.refresh_from_db()
        assert lead.workspace == source.workspace
        assert (
            "Back in Leads & More, its source workspace: no rule routes it elsewhere now."
            in explanation_of(lead)
        )
        assert broken(run_verification()) == {}

    def test_verdict_after_a_rollback_keeps_the_path(
        self, source: Source, agency: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rule = send_to(agency, source)

        def fail(*_: Any, **__: Any) -> None:
            raise TierLockContention(None)

        monkeypatch.setattr("distribution.attempts.distribute.decide_and_sell", fail)
        lead = LeadFactory(source=source)

        outcome = distribute_lead(lead.pk)

        assert (outcome.result, outcome.rule_id) == ("retry", rule.pk)
        lead.refresh_from_db()
        assert (lead.status, lead.workspace) == ("pending", agency.workspace)
        attempt = attempt_of(lead)
        assert (attempt.destination_workspace_id, attempt.rule_id) == (agency.workspace_id, rule.pk)
        assert "Routed to Peachtree Roofing" in explanation_of(lead)
        assert broken(run_verification()) == {}

    def test_unreadable_rule_parks_the_lead(self, source: Source, agency: Campaign) -> None:
        rule = send_to(agency, source)
        RoutingRule.objects.filter(pk=rule.pk).update(conditions={"field": "state", "op": "near"})
        lead = LeadFactory(source=source)

        assert distribute_lead(lead.pk).skip_reason == "internal_error"

        assert attempt_of(lead).destination_workspace_id == source.workspace_id
        assert (
            LeadDistributionEvent.objects.get(lead_id=lead.pk, event="failed").data["cause"] == "RuleBroken"
        )


class TestPaused:
    def test_lead_waits_in_a_workspace_that_is_paused(self, source: Source, agency: Campaign) -> None:
        send_to(agency, source)
        Workspace.objects.filter(pk=agency.workspace_id).update(paused_at=timezone.now())
        lead = LeadFactory(source=source)

        outcome = distribute_lead(lead.pk)

        assert (outcome.result, outcome.skip_reason) == ("deferred", "workspace_paused")
        lead.refresh_from_db()
        assert (lead.status, lead.workspace, lead.attempts) == ("pending", agency.workspace, 1)
        # Paused means that no worker takes it. The lead must not circulate.
        assert distribute_next_due().lead_id is None
        assert "It will be tried again when the workspace is resumed." in explanation_of(lead)
        assert broken(run_verification()) == {}

        Workspace.objects.filter(pk=agency.workspace_id).update(paused_at=None)
        assert distribute_next_due().result == "success"
        assert broken(run_verification()) == {}

    def test_lead_waits_at_the_first_paused_workspace_of_its_route(
        self, source: Source, agency: Campaign
    ) -> None:
        hub = WorkspaceFactory(paused_at=timezone.now())
        RuleFactory(workspace=source.workspace, destination=hub)
        RuleFactory(workspace=hub, destination=agency.workspace)
        lead = LeadFactory(source=source)

        assert distribute_lead(lead.pk).skip_reason == "workspace_paused"

        lead.refresh_from_db()
        assert lead.workspace == hub
        assert len(attempt_of(lead).route) == 1

    def test_paused_enqueuer_does_not_hold_enqueued_leads(self, source: Source, agency: Campaign) -> None:
        Enrollment.objects.update(cap_day=0)
        send_to(agency, source)
        lead = LeadFactory(source=source)
        assert distribute_lead(lead.pk).result == "unsold"
        Enrollment.objects.update(cap_day=None)
        Workspace.objects.filter(pk=source.workspace_id).update(paused_at=timezone.now())
        rerun_lead(lead.pk, at=timezone.now())
        assert distribute_next_due().result == "success"


class TestFaces:
    def test_sender_sees_its_lead_but_not_the_agency(self, source: Source, agency: Campaign) -> None:
        send_to(agency, source)
        sold, unsold = LeadFactory(source=source), LeadFactory(source=source)
        distribute_lead(sold.pk)
        Enrollment.objects.update(active=False)
        distribute_lead(unsold.pk)
        client = client_with(source)

        answer = client.get(f"/api/v1/leads/{sold.public_id}/").json()
        assert (answer["status"], answer["result"], answer["buyers"]) == ("distributed", "success", 1)
        answer = client.get(f"/api/v1/leads/{unsold.public_id}/").json()
        assert (answer["status"], answer["result"]) == ("failed", "unsold")
        assert (answer["reason"], answer["message"]) == (None, None)
        tracing = Client(headers={"Authorization": f"Api-Key {issue_tracing_key(source)}"})
        assert tracing.get(f"/api/v1/leads/{sold.public_id}/trace/").status_code == 404
        body = {"zip": "30312", "vertical": "roofing", "email": "grace@example.com"}
        asked = client.post(
            "/api/v1/leads/", body, content_type="application/json", headers={"prefer": "wait=5"}
        )
        assert (asked.json()["result"], asked.json()["reason"]) == ("unsold", None)

    def test_its_own_reasons_are_shown_to_the_sender(self, source: Source) -> None:
        lead = LeadFactory(source=source)
        distribute_lead(lead.pk)
        answer = client_with(source).get(f"/api/v1/leads/{lead.public_id}/").json()
        assert answer["reason"] == "no_campaign"

    def test_sender_may_cancel_a_waiting_lead(self, source: Source, agency: Campaign) -> None:
        Enrollment.objects.update(hour_starts_at=None)
        send_to(agency, source)
        Workspace.objects.filter(pk=agency.workspace_id).update(paused_at=timezone.now())
        lead = LeadFactory(source=source)
        distribute_lead(lead.pk)
        cancel_sent_lead(lead.public_id, source_id=source.pk)
        lead.refresh_from_db()
        assert (lead.status, lead.workspace) == ("cancelled", agency.workspace)

    def test_agency_operators_see_leads_sent_to_their_workspace(
        self, source: Source, agency: Campaign
    ) -> None:
        """The agency's own keys do not: another source sent the lead."""
        send_to(agency, source)
        lead = LeadFactory(source=source)
        distribute_lead(lead.pk)
        lead.refresh_from_db()
        key = issue_tracing_key(SourceFactory(workspace=agency.workspace))
        theirs = Client(headers={"Authorization": f"Api-Key {key}"})

        assert theirs.get(f"/api/v1/leads/{lead.public_id}/trace/").status_code == 404
        story = explain(lead)
        assert story.lead.source_workspace == "Leads & More"
        assert "by rule 'Georgia roofs'." in " ".join(step.sentence for step in story.attempts[0].steps)
        seen = client_of(person("viewer", agency.workspace)).get(page(Lead, "change", lead.pk))
        assert "Now in" in seen.content.decode()
        assert "Leads &amp; More" in seen.content.decode()
        gone = client_of(person("operator", source.workspace)).get(page(Lead, "change", lead.pk))
        assert gone.status_code == 404

    def test_list_of_attempts_shows_the_rule(self, source: Source, agency: Campaign) -> None:
        rule = send_to(agency, source)
        lead = LeadFactory(source=source)
        distribute_lead(lead.pk)
        shown = client_of(User.objects.create_superuser("root")).get(
            page(Attempt, "change", attempt_of(lead).pk)
        )
        assert f"{source.workspace_id}" in shown.content.decode()
        assert str(rule.pk) in shown.content.decode()


def test_expiring_lead_is_not_routed(source: Source, agency: Campaign) -> None:
    send_to(agency, source)
    lead = LeadFactory(source=source, expires_at=timezone.now() - timedelta(seconds=1))
    assert distribute_lead(lead.pk).result == "expired"
    lead.refresh_from_db()
    assert lead.workspace == source.workspace


def test_later_credits_reach_a_routed_lead(source: Source) -> None:
    """A routed lead waits for a person like any other, and its next attempt takes the same path."""
    campaign = CampaignFactory()
    enrollment = EnrollmentFactory(campaign=campaign)
    send_to(campaign, source)
    lead = LeadFactory(source=source)
    assert distribute_lead(lead.pk).skip_reason == "insufficient_credits"
    give_credits(enrollment.buyer, amount_cents=10_000)
    rerun_lead(lead.pk, at=timezone.now())
    CAMPAIGNS.clear()
    assert distribute_lead(lead.pk).result == "success"
    assert [len(each.route) for each in Attempt.objects.filter(lead_id=lead.pk)] == [1, 1]
