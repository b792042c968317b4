"""A person who declined or opted out, as operators read it: no one has to act."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from distribution.admin.trace_page import build_page
from distribution.attempts.distribute import distribute_lead
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.states import Said
from distribution.explain.lead import explain
from distribution.models import BlockedPhone, Call, Verification
from routing.models import Lead
from routing.queries import read_clock
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
)
from tracing.models import Attempt

pytestmark = pytest.mark.django_db
HASH = "ab" * 32


def say(lead: Lead, *said: Said) -> Call:
    call = CallFactory(verification=Verification.objects.get(lead=lead), phone_hash=HASH)
    Verification.objects.update(state="calling", due_at=None, tries=1)
    Lead.objects.filter(pk=lead.pk).update(status="calling", locked_by=call.owner, locked_at=read_clock())
    with transaction.atomic():
        for each in said:
            hear(lock_call(call.pk), each, by="webhook", at=read_clock())
    lead.refresh_from_db()
    return Call.objects.get(pk=call.pk)


def gate() -> Lead:
    campaign = CampaignFactory(name="Roofing Atlanta", verification="required")
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), phone_hash=HASH)
    assert distribute_lead(lead.pk).result == "gated"
    return lead


def read(client: Client, name: str, **query: Any) -> str:
    return " ".join(client.get(reverse(name), query).content.decode().split())


@pytest.mark.parametrize("key", ["2", "9"])
def test_nobody_has_to_act(key: str) -> None:
    lead = gate()

    say(lead, Said("in-progress", answered_by="human"), Said(key=key))

    explained = explain(lead)
    assert explained.lead.status_sentence == "Not sold: the person declined."
    assert explained.lead.campaign is not None
    assert explained.lead.campaign.name == "Roofing Atlanta"
    closing = explained.attempts[-1]
    assert closing.headline.startswith("Attempt 2 (end of its verification)")
    assert closing.campaign == explained.lead.campaign
    assert closing.steps[-1].sentence == (
        "Not sold: The person said in a call that they do not want this. No one has to act."
    )
    assert Attempt.objects.get(lead_id=lead.pk, number=2).trigger == "verification"


def test_lists_and_the_first_page_do_not_ask_for_an_operator() -> None:
    lead = gate()
    say(lead, Said("in-progress", answered_by="human"), Said(key="2"))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))

    leads, home = read(client, "admin:routing_lead_changelist"), read(client, "admin:index")

    assert ">not sold: the person declined</span>" in leads
    assert "Not sold: the person declined" in home
    assert "Needs an operator to run it again" not in home
    assert "status__exact=failed&amp;skip_reason=verification_declined" in home


def test_lead_whose_person_was_not_reached_needs_an_operator() -> None:
    lead = gate()

    lead.status, lead.skip_reason = "failed", "not_verified"

    assert explain(lead).lead.status_sentence == "Needs an operator to run it again."


def test_blocked_phone_is_in_the_story_with_a_link_to_its_entry() -> None:
    lead = gate()

    say(lead, Said("in-progress", answered_by="human"), Said(key="9"))

    [panel] = build_page(lead).verifications
    listed = {line.code: line.sentence for line in panel.story}
    assert listed["phone_blocked"] == (
        "The phone was put on the list of blocked phones: the workspace does not call it again."
    )
    entry = BlockedPhone.objects.get()
    assert panel.blocked_url == reverse("admin:distribution_blockedphone_change", args=[entry.pk])
    entry.delete()
    assert build_page(lead).verifications[0].blocked_url == ""


def test_declined_request_leaves_the_phone_unblocked() -> None:
    lead = gate()

    say(lead, Said("in-progress", answered_by="human"), Said(key="2"))

    [panel] = build_page(lead).verifications
    assert panel.blocked_url == ""
    assert "phone_blocked" not in {line.code for line in panel.story}
