"""From the page of a campaign to its tiers and enrollments, and forms that offer only what fits the campaign."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from distribution.models import Campaign, Tier
from tests.support.admin_pages import client_of, form_of, page, problems
from tests.support.factories import BuyerFactory, CampaignFactory, EnrollmentFactory, TierFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def campaign() -> Campaign:
    made: Campaign = CampaignFactory(name="Siding")
    return made


def show(client: Client, campaign: Campaign) -> tuple[str, list[str]]:
    """The page of a campaign, and the titles of its links."""
    answer = client.get(page(Campaign, "change", campaign.pk))
    return answer.content.decode(), [each["title"] for each in answer.context["page_links"]]


def test_new_campaign_says_that_it_sells_nothing_and_links_to_the_next_step(
    client: Client, campaign: Campaign
) -> None:
    text, links = show(client, campaign)
    assert "This campaign sells nothing: it has no tier." in text
    assert links == ["Add a tier"]
    TierFactory(campaign=campaign)
    text, links = show(client, campaign)
    assert "This campaign sells nothing: no buyer is enrolled." in text
    assert links == ["Add a tier", "Add an enrollment"]


def test_page_lists_tiers_with_their_buyers(client: Client, campaign: Campaign) -> None:
    tier = TierFactory(campaign=campaign, name="Gold")
    enrollment = EnrollmentFactory(campaign=campaign, tier=tier, buyer__name="Atlas", active=False)
    EnrollmentFactory(buyer__name="Of another campaign")
    text, _ = show(client, campaign)
    assert f'">1. Gold</a>: <a href="{page(type(enrollment), "change", enrollment.pk)}">Atlas</a>' in text
    assert "Atlas</a> (not active)" in text
    assert "Of another campaign" not in text
    assert "sells nothing" not in text


def test_form_of_a_tier_begins_with_the_next_free_position(client: Client, campaign: Campaign) -> None:
    TierFactory(campaign=campaign, position=1)
    TierFactory(campaign=campaign, position=3)
    form = client.get(f"{page(Tier, 'add')}?campaign={campaign.pk}").context["adminform"].form
    assert (form["campaign"].value(), form["position"].value()) == (str(campaign.pk), 2)


def test_taken_position_is_refused_with_a_free_one(client: Client, campaign: Campaign) -> None:
    TierFactory(campaign=campaign, position=1)
    url = page(Tier, "add")
    answer = client.post(url, {**form_of(client, url), "campaign": campaign.pk, "position": 1})
    assert problems(answer) == {
        "position": ["The campaign has a tier with position 1 already. Use 2, which is free."]
    }


def ask_for_choices(client: Client, field: str, campaign: Campaign) -> set[str]:
    """What the form of an enrollment offers for a field when it was opened for the campaign."""
    form = client.get(f"{reverse('admin:distribution_enrollment_add')}?campaign={campaign.pk}")
    widget: Any = form.context["adminform"].form.fields[field].widget
    url = urlsplit(widget.widget.get_url())
    asked = {"app_label": "distribution", "model_name": "enrollment", "field_name": field, "term": ""}
    given = {name: values[0] for name, values in parse_qs(url.query).items()}
    return {each["text"] for each in client.get(url.path, {**given, **asked}).json()["results"]}


def test_form_of_an_enrollment_offers_tiers_of_its_campaign_and_buyers_of_its_agency(
    client: Client, campaign: Campaign
) -> None:
    own, _ = TierFactory(campaign=campaign), TierFactory()
    buyer, _ = BuyerFactory(workspace=campaign.workspace), BuyerFactory()
    assert ask_for_choices(client, "tier", campaign) == {str(own)}
    assert ask_for_choices(client, "buyer", campaign) == {str(buyer)}
