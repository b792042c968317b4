"""A page that asks first does nothing to rows that changed after it was opened: it says so, and asks again."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from distribution.models import Enrollment, Tier
from tests.admin_pages import client_of, page, save
from tests.factories import EnrollmentFactory, TierFactory
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Client:
    return client_of(User.objects.create_superuser("ann"))


@pytest.fixture
def ben() -> Client:
    return client_of(User.objects.create_superuser("ben"))


def hidden(client: Client, url: str, *, form: str = "form") -> dict[str, Any]:
    """What the page of this address sends back unseen."""
    asked = client.get(url).context[form]
    return {bound.html_name: bound.value() for bound in asked.hidden_fields()}


def test_row_that_changed_is_not_deleted(ann: Client, ben: Client) -> None:
    tier = TierFactory(name="Silver")
    url = page(Tier, "delete", tier.pk)
    answer = {"post": "yes", "change_reason": "unused", **hidden(ben, url, form="reason_form")}
    save(ann, Tier, tier, name="Gold", change_reason="for the new partner")

    refused = ben.post(url, answer)

    assert refused.status_code == 400
    text = refused.content.decode()
    assert "Nothing was done. What this page is about changed after you opened it" in text
    assert "Last in the audit: changed by ann at" in text
    assert "(for the new partner)" in text
    assert Tier.objects.filter(pk=tier.pk).exists()
    again = {**answer, "seen": refused.context["reason_form"]["seen"].value()}
    assert ben.post(url, again).status_code == 302
    assert not Tier.objects.filter(pk=tier.pk).exists()


def test_rows_that_changed_are_not_deleted_together(ann: Client, ben: Client) -> None:
    one = TierFactory(name="Silver")
    two = TierFactory(name="Bronze", campaign=one.campaign, position=7)
    chosen = {"action": "delete_selected", "_selected_action": [one.pk, two.pk]}
    asked = ben.post(page(Tier, "changelist"), chosen).context["reason_form"]
    answer = {**chosen, "post": "yes", "change_reason": "unused", "seen": asked["seen"].value()}
    save(ann, Tier, two, name="Gold")

    refused = ben.post(page(Tier, "changelist"), answer)

    assert "changed after you opened it" in refused.content.decode()
    assert Tier.objects.count() == 2
    again = {**answer, "seen": refused.context["reason_form"]["seen"].value()}
    assert ben.post(page(Tier, "changelist"), again).status_code == 302
    assert not Tier.objects.exists()


def test_row_that_came_to_go_along_stops_the_deletion(ben: Client) -> None:
    """What the page lists is what goes."""
    tier = TierFactory()
    url = page(type(tier.campaign), "delete", tier.campaign.pk)
    answer = {"post": "yes", "change_reason": "unused", **hidden(ben, url, form="reason_form")}
    TierFactory(campaign=tier.campaign, position=8)

    assert ben.post(url, answer).status_code == 400

    assert Tier.objects.count() == 2
    assert not AuditEntry.objects.exists()


def test_sale_does_not_stop_a_deletion(ben: Client) -> None:
    """Counters are not what people decide about."""
    place = EnrollmentFactory()
    url = page(Enrollment, "delete", place.pk)
    answer = {"post": "yes", "change_reason": "left", **hidden(ben, url, form="reason_form")}
    Enrollment.objects.update(day_leads=3)

    assert ben.post(url, answer).status_code == 302
    assert not Enrollment.objects.exists()
