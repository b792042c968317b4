"""The demo's campaign with direct posts can be stored, and asks its first buyer first."""

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Delivery
from leadswitch.demo import direct_post
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


def test_lead_of_the_demo_is_offered_to_the_first_buyer() -> None:
    workspace = WorkspaceFactory()
    campaign, _ = direct_post.build(workspace, buyers="http://127.0.0.1:9")
    source = SourceFactory(workspace=workspace)
    lead = LeadFactory(source=source, vertical=campaign.vertical, zip="30312", state="GA")

    assert distribute_lead(lead.pk).result == "posting"

    delivery = Delivery.objects.get()
    assert (delivery.endpoint.buyer.name, delivery.is_direct_post) == ("Peachtree Gutters", True)  # type: ignore[union-attr]
