"""An operator's actions on leads: each has a confirmation, needs the operator's group, and leaves an audit entry."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment
from routing.models import Lead
from tests.support.admin_pages import act_url, client_of, lead_title, page, person, texts
from tests.support.factories import EnrollmentFactory, LeadFactory, SourceFactory, give_credits
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed() -> Lead:
    enrollment = EnrollmentFactory()
    lead = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))
    distribute_lead(lead.pk)
    lead.refresh_from_db()
    return lead


@pytest.fixture
def operator(failed: Lead) -> Client:
    return client_of(person("operator", failed.workspace))


def test_run_again_asks_first_and_then_does_it(operator: Client, failed: Lead) -> None:
    url = act_url("rerun", failed)
    asked = operator.get(url)
    assert asked.status_code == 200
    assert "1 lead will be tried again now" in asked.content.decode()
    assert Lead.objects.get().status == "failed"

    done = operator.post(url, {"reason": "topped up"}, follow=True)

    assert texts(done) == ["1 lead: due now."]
    lead = Lead.objects.get()
    assert (lead.status, lead.due_reason) == ("pending", "manual")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.object_id) == ("rerun", "topped up", str(lead.pk))
    assert (entry.before["status"], entry.after["status"]) == ("failed", "pending")
    assert entry.workspace_id == lead.workspace_id


@pytest.mark.parametrize("name", ["rerun", "cancel", "pause", "resume"])
@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "\x00"])
def test_without_a_reason_nothing_happens(operator: Client, failed: Lead, name: str, reason: str) -> None:
    before = Lead.objects.values().get()

    assert operator.post(act_url(name, failed), {"reason": reason}).status_code == 400

    assert Lead.objects.values().get() == before
    assert not AuditEntry.objects.exists()


def test_action_on_many_leads_names_those_that_are_refused(operator: Client, failed: Lead) -> None:
    others = [LeadFactory(source=failed.source) for _ in range(2)]
    sold = LeadFactory(
        source=failed.source, status="distributed", next_attempt_at=None, finished_at=timezone.now()
    )
    chosen = operator.post(
        page(Lead, "changelist"),
        {"action": "cancel_leads", "_selected_action": [lead.pk for lead in (*others, sold)]},
    )
    url = chosen["Location"]
    asked = operator.get(url).content.decode()
    assert "2 leads will be canceled" in asked
    assert "The source can see the reason." in asked
    assert f"<li>{lead_title(sold)}: it is finished: sold</li>" in asked

    done = operator.post(url, {"reason": "test data"}, follow=True)

    assert texts(done) == ["2 leads: canceled.", f"{lead_title(sold)}: it is finished: sold"]
    assert set(Lead.objects.filter(status="cancelled")) == set(others)
    assert set(Lead.objects.filter(status="cancelled").values_list("cancel_reason", flat=True)) == {
        "test data"
    }
    assert AuditEntry.objects.count() == 2


def test_lead_is_paused_and_resumed(operator: Client, failed: Lead) -> None:
    lead = LeadFactory(source=failed.source)

    assert operator.post(act_url("pause", lead), {"reason": "a doubt"}).status_code == 302
    lead.refresh_from_db()
    assert lead.paused_at is not None
    assert operator.post(act_url("resume", lead), {"reason": "cleared"}).status_code == 302

    lead.refresh_from_db()
    assert lead.paused_at is None
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["pause", "resume"]


def test_page_offers_only_actions_with_an_effect(operator: Client, failed: Lead) -> None:
    def offered(lead: Lead) -> list[str]:
        content = operator.get(page(Lead, "change", lead.pk)).content.decode()
        return re.findall(r'class="admin-button">([^<]+)<', content)

    assert offered(failed) == ["Run again", "Assign to a buyer"]
    waiting = LeadFactory(source=failed.source)
    assert offered(waiting) == ["Run again", "Pause", "Cancel", "Assign to a buyer"]
    gone = LeadFactory(
        source=failed.source, status="expired", next_attempt_at=None, finished_at=timezone.now()
    )
    assert offered(gone) == []


def test_lead_is_assigned_by_hand(operator: Client, failed: Lead) -> None:
    enrollment = failed.workspace.campaigns.get().enrollments.get()
    url = reverse("admin:routing_lead_assign", args=[failed.pk])
    data = {"enrollment": enrollment.pk, "reason": "promised on the phone"}
    refused = operator.post(url, data)
    assert refused.status_code == 400
    assert "lacks $25.00" in refused.content.decode()
    assert not AuditEntry.objects.exists()
    give_credits(enrollment.buyer, amount_cents=5_000)

    assert operator.post(url, data).status_code == 302

    assert Assignment.objects.get().buyer == enrollment.buyer
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before["status"], entry.after["status"]) == (
        "assign",
        "pending",  # the credits cause a retry
        "distributed",
    )
    assert operator.post(url, data).status_code == 400  # sent twice, sold once
    assert Assignment.objects.count() == 1


def test_foreign_buyer_cannot_be_chosen(operator: Client, failed: Lead) -> None:
    stranger = EnrollmentFactory(buyer__credits_cents=10_000)
    url = reverse("admin:routing_lead_assign", args=[failed.pk])

    assert operator.post(url, {"enrollment": stranger.pk, "reason": "x"}).status_code == 400

    assert not Assignment.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_other_roles_are_refused(role: str, failed: Lead) -> None:
    """An action without permissions is open to view-only staff."""
    client = client_of(person(role, failed.workspace))
    urls = [act_url(name, failed) for name in ("rerun", "pause", "resume", "cancel")]
    for url in (*urls, reverse("admin:routing_lead_assign", args=[failed.pk])):
        assert client.get(url).status_code == 403
        assert client.post(url, {"reason": "x"}).status_code == 403
    content = client.get(page(Lead, "change", failed.pk)).content.decode()
    assert "admin-button" not in content
    client.post(page(Lead, "changelist"), {"action": "cancel_leads", "_selected_action": [failed.pk]})
    assert Lead.objects.get().status == "failed"


def test_foreign_and_unknown_leads_are_404(failed: Lead) -> None:
    own = LeadFactory()
    client = client_of(person("operator", own.workspace))
    for ids in (str(failed.pk), f"{own.pk},{failed.pk}", "999999", "", "x", "1;2", "-1", "9" * 30):
        for name in ("rerun", "cancel"):
            url = reverse("admin:routing_lead_act", args=[name])
            assert client.get(url, {"ids": ids}).status_code == 404, ids
            assert client.post(f"{url}?ids={ids}", {"reason": "x"}).status_code == 404, ids
    assert client.get(reverse("admin:routing_lead_assign", args=[failed.pk])).status_code == 404
    assert (
        client.get(reverse("admin:routing_lead_act", args=["explode"]) + f"?ids={own.pk}").status_code == 404
    )
    assert Lead.objects.get(pk=failed.pk).status == "failed"
