"""An operator sends a test lead from the page of a campaign or a buyer, and sees the decision."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.messages import get_messages
from django.test import Client

from distribution.attempts.campaigns import CAMPAIGNS
from distribution.models import Assignment, Campaign, Enrollment, Wallet
from routing.models import Lead, Source
from tests.support.admin_pages import client_of, person
from tests.support.factories import CampaignFactory, EnrollmentFactory, SourceFactory
from tracing.models import AuditEntry


@pytest.fixture
def enrollment(committed_db: None) -> Enrollment:  # noqa: ARG001
    CAMPAIGNS.clear()
    return EnrollmentFactory(campaign=CampaignFactory(vertical="roofing"), buyer__credits_cents=2_500)


@pytest.fixture
def source(enrollment: Enrollment) -> Source:
    return SourceFactory(workspace=enrollment.campaign.workspace, default_vertical="")


@pytest.fixture
def operator(enrollment: Enrollment) -> Client:
    return client_of(person("operator", enrollment.campaign.workspace))


def page_of(row: Campaign | Any) -> str:
    return f"/admin/distribution/{row._meta.model_name}/{row.pk}/test-lead/"


def filled_in(client: Client, url: str) -> dict[str, Any]:
    form = client.get(url).context["form"]
    return {name: form[name].value() for name in form.fields} | {"attributes": "{}"}


def test_form_as_filled_in_shows_a_decision(operator: Client, enrollment: Enrollment, source: Source) -> None:
    for row in (enrollment.campaign, enrollment.buyer):
        data = filled_in(operator, page_of(row))
        assert (data["source"], data["vertical"]) == (source.pk, "roofing")
        response = operator.post(page_of(row), data)
        lead = Lead.objects.latest("pk")
        assert (response.status_code, response["Location"]) == (302, f"/admin/routing/lead/{lead.pk}/change/")
        assert [str(each) for each in get_messages(response.wsgi_request)] == [
            "The test lead was sold. No buyer was charged."
        ]
        assert (lead.is_test, lead.status, lead.email) == (True, "distributed", "test.lead@example.com")
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.model, entry.object_id) == (
            "sent as a test",
            "routing.lead",
            str(lead.pk),
        )
        shown = operator.get(response["Location"]).content.decode()
        assert "Test lead: no buyer is charged" in shown
        assert "Test roofing lead" in shown
    assert Assignment.objects.filter(is_test=True).count() == 2
    assert Wallet.objects.get().balance_cents == 2_500


@pytest.mark.usefixtures("source")
def test_button_is_on_both_pages(operator: Client, enrollment: Enrollment) -> None:
    for row in (enrollment.campaign, enrollment.buyer):
        page = operator.get(f"/admin/distribution/{row._meta.model_name}/{row.pk}/change/").content.decode()
        assert page_of(row) in page
        assert ("Pause now" in page) == (row is enrollment.buyer)


@pytest.mark.usefixtures("source")
def test_refused_lead_is_explained_in_the_form(operator: Client, enrollment: Enrollment) -> None:
    url = page_of(enrollment.campaign)
    response = operator.post(url, {**filled_in(operator, url), "zip": "xx"})
    assert response.status_code == 400
    assert response.context["form"].errors["zip"] == [
        "zip is not a ZIP code: write five digits, like 30312 or 30312-1234."
    ]
    assert not Lead.objects.exists()


@pytest.mark.usefixtures("source")
def test_limit_is_explained_in_the_form(
    operator: Client, enrollment: Enrollment, settings: LazySettings
) -> None:
    settings.LEADSWITCH_TEST_LEADS_PER_DAY = 0
    url = page_of(enrollment.campaign)
    response = operator.post(url, filled_in(operator, url))
    assert "already sent as many test leads" in response.context["form"].errors["source"][0]
    assert not Lead.objects.exists()


def test_workspace_without_source_is_told_to_add_one(operator: Client, enrollment: Enrollment) -> None:
    assert "has no active source" in operator.get(page_of(enrollment.campaign)).content.decode()


@pytest.mark.usefixtures("source")
def test_only_people_who_act_on_leads_of_the_workspace_see_it(enrollment: Enrollment) -> None:
    viewer = client_of(person("viewer", enrollment.campaign.workspace))
    assert viewer.get(page_of(enrollment.campaign)).status_code == 403
    stranger = client_of(person("operator", CampaignFactory().workspace))
    assert stranger.get(page_of(enrollment.campaign)).status_code in (302, 404)
