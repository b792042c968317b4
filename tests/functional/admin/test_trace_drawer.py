"""An operator opens a lead's trace: in the drawer, as a separate page, and inside the lead's page."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, Campaign, Enrollment
from routing.models import Lead, LeadStatus
from tests.support.admin_pages import person
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    WorkspaceFactory,
    enroll,
)
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

FRAGMENT = {"X-LeadSwitch-Fragment": "1"}


@pytest.fixture
def client(committed_db: None) -> Client:  # noqa: ARG001
    return client_of(User.objects.create_superuser("root"))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def distributed(campaign: Campaign, **lead: object) -> Lead:
    made = LeadFactory(source__workspace=campaign.workspace, **lead)
    distribute_lead(made.pk)
    made.refresh_from_db()
    return made


def run_again(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(
        status=LeadStatus.PENDING, next_attempt_at=timezone.now() - timedelta(seconds=1), finished_at=None
    )
    distribute_lead(lead.pk)


def trace(lead: Lead, *parts: object) -> str:
    return "".join([f"/admin/routing/lead/{lead.public_id}/trace/", *(f"{part}/" for part in parts)])


def fragment(client: Client, url: str) -> str:
    response = client.get(url, headers=FRAGMENT)
    assert response.status_code == 200, response.status_code
    content = response.content.decode()
    assert "<html" not in content
    return content


def test_drawer_shows_the_whole_explanation(client: Client) -> None:
    campaign = CampaignFactory(name="Roofing, exclusive", mode="priority")
    EnrollmentFactory(campaign=campaign, priority=9, buyer__name="Winner", buyer__credits_cents=10_000)
    EnrollmentFactory(campaign=campaign, buyer__name="Poor", buyer__credits_cents=1_000)
    EnrollmentFactory(
        campaign=campaign, buyer__name="Far", buyer__service_area={"states": ["AL"]}, active=False
    )
    lead = distributed(campaign)

    content = fragment(client, trace(lead))

    assert "Roofing, exclusive" in content
    assert "Sold to Winner for $25.00 at" in content
    assert "Winner: selected, rank 1, for $25.00." in content
    stages = re.findall(r'ls-count">([^<]*)<.*?ls-stage">([^<]*)<', content, re.S)
    assert stages == [
        ("3", "buyers enrolled"),
        ("2", "with an active enrollment"),
        ("1", "has enough credits"),
        ("1", "selected"),
    ]
    rows = re.findall(r'<tr data-reason="(\w+)"', content)
    assert sorted(rows) == ["enrollment_paused", "insufficient_credits"]
    assert "$25.00</td>" in content
    assert "$10.00</td>" in content
    assert "and 2 more" in content
    assert "3 buyers enrolled, 2 with an active enrollment, 1 has enough credits, 1 selected." in content


def test_each_attempt_has_its_tab_and_its_own_buyers(client: Client) -> None:
    enrollment = EnrollmentFactory(active=False, buyer__name="Acme", buyer__credits_cents=5_000)
    lead = distributed(enrollment.campaign)
    Enrollment.objects.update(active=True)
    run_again(lead)

    newest = fragment(client, trace(lead))
    first, second = fragment(client, trace(lead, 1)), fragment(client, trace(lead, 2))

    assert re.findall(r'data-testid="trace-tab-(\d)"', newest) == ["2", "1"]
    assert re.findall(r'aria-selected="(\w+)"', newest) == ["true", "false"]
    assert "Acme: selected" in newest
    assert 'data-reason="enrollment_paused"' in first
    assert "Acme: selected" in second
    assert 'role="tab"' not in first
    assert f'href="{trace(lead, 1, enrollment.buyer.public_id)}"' in first


def test_drawer_shows_required_changes(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__name="Acme", buyer__credits_cents=1_000)
    lead = distributed(enrollment.campaign)

    content = fragment(client, trace(lead, 1, enrollment.buyer.public_id))

    assert "top up $15.00" in content
    assert "buyer-fixable" in content
    assert "With this change, Acme would have gotten this lead for $25.00: rank 1 of 1." in content
    assert 'data-ending="selected"' in content


def test_every_fragment_is_a_page_without_the_script(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__name="Acme")
    lead = distributed(enrollment.campaign)

    for url in (trace(lead), trace(lead, 1), trace(lead, 1, enrollment.buyer.public_id)):
        response = client.get(url)
        content = response.content.decode()
        assert response.status_code == 200
        assert "</html>" in content
        assert "Acme" in content
        assert "style=" not in re.sub(
            r"<header.*?</header>", "", content.split('id="content"')[1], flags=re.S
        )


def test_lead_page_shows_the_same(client: Client) -> None:
    enrollment = EnrollmentFactory(buyer__name="Acme")
    lead = distributed(enrollment.campaign)

    content = client.get(reverse("admin:routing_lead_change", args=[lead.pk])).content.decode()

    assert 'data-testid="trace"' in content
    assert 'data-reason="insufficient_credits"' in content
    assert "leadswitch/trace.js" in content


def test_list_has_a_trace_button_and_keeps_its_deep_link(client: Client) -> None:
    """Django would otherwise take an unknown parameter for a filter, and redirect to the list without it."""
    lead = distributed(CampaignFactory())

    response = client.get(
        reverse("admin:routing_lead_changelist"), {"trace": lead.public_id, "status": "failed"}
    )

    content = response.content.decode()
    assert response.status_code == 200
    assert f'data-trace-open="{lead.public_id}"' in content
    assert f'href="{trace(lead)}"' in content
    assert "leadswitch/trace.css" in content
    assert re.search(
        r'<script[^>]*src="[^"]*leadswitch/trace.js"[^>]*defer|<script[^>]*defer[^>]*trace.js"', content
    )


def test_untried_lead_says_so(client: Client) -> None:
    lead = LeadFactory()

    content = fragment(client, trace(lead))

    assert "No attempt has been made yet." in content
    assert "The first attempt runs when the lead is due" in content
    assert client.get(trace(lead, 1)).status_code == 404


def test_newest_attempt_without_a_trace_says_so(client: Client) -> None:
    lead = distributed(EnrollmentFactory(buyer__name="Acme").campaign)
    Lead.objects.update(attempts=2)

    content = fragment(client, trace(lead))

    assert 'data-attempt="1"' in content
    assert 'data-reason="insufficient_credits"' in content
    assert "1 attempt without a trace, because the trace could not be written: 2." in content


def test_lead_without_a_campaign_says_so(client: Client) -> None:
    buyer = BuyerFactory()
    lead = LeadFactory(source__workspace=buyer.workspace)
    distribute_lead(lead.pk)

    content = fragment(client, trace(lead))
    remedy = fragment(client, trace(lead, 1, buyer.public_id))

    assert "No active campaign takes this vertical and source." in content
    assert "ls-funnel" not in content
    assert "The engine could not check this." in remedy


def test_missing_row_is_not_found(client: Client) -> None:
    """Every query is scoped to the caller."""
    enrollment = EnrollmentFactory()
    lead = distributed(enrollment.campaign)
    stranger = BuyerFactory()

    for url in (
        f"/admin/routing/lead/{uuid4()}/trace/",
        trace(lead, 2),
        trace(lead, 99_999_999_999_999),
        trace(lead, 1, uuid4()),
        trace(lead, 1, stranger.public_id),
        trace(lead, 2, enrollment.buyer.public_id),
        trace(lead, 99_999_999_999_999, enrollment.buyer.public_id),
    ):
        assert client.get(url).status_code == 404, url
        assert client.get(url, headers=FRAGMENT).status_code == 404, url


def test_only_users_who_may_view_leads_see_a_trace() -> None:
    """An action without permissions is open to view-only staff."""
    enrollment = EnrollmentFactory()
    lead = distributed(enrollment.campaign)
    urls = (trace(lead), trace(lead, 1), trace(lead, 1, enrollment.buyer.public_id))
    staff = User.objects.create_user("staff", is_staff=True)
    viewer, stranger = person("viewer", lead.workspace), person("viewer", WorkspaceFactory())

    for url in urls:
        assert Client().get(url).status_code == 302
        assert client_of(staff).get(url).status_code == 403
        assert client_of(viewer).get(url).status_code == 200
        assert client_of(stranger).get(url).status_code == 404
    assert client_of(staff).get(f"/admin/routing/lead/{uuid4()}/trace/").status_code == 403


def test_names_cannot_carry_markup(client: Client) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    campaign = CampaignFactory(name=hostile)
    enrollment = EnrollmentFactory(campaign=campaign, buyer__name=hostile)
    lead = distributed(campaign, zip="<b>1</b>")

    for url in (trace(lead), trace(lead, 1), trace(lead, 1, enrollment.buyer.public_id)):
        for content in (fragment(client, url), client.get(url).content.decode()):
            assert "<img" not in content
            assert "<b>1" not in content
            assert "&lt;img src=x" in content


def count_statements(client: Client, url: str) -> int:
    client.get(url, headers=FRAGMENT)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, headers=FRAGMENT).status_code == 200
    return len(captured)


def test_two_thousand_events_cost_no_more_statements_than_ten(client: Client) -> None:
    """Only the open attempt is read with its buyers."""
    few, many = CampaignFactory(), CampaignFactory()
    few_enrollments = enroll(few, count=2)
    many_enrollments = enroll(many, count=3, active=False)
    copy_buyers(many, count=700)
    small, large = distributed(few), distributed(many)
    run_again(large)
    run_again(large)
    assert LeadDistributionEvent.objects.filter(lead_id=large.pk).count() > 2_000
    assert Attempt.objects.filter(lead_id=large.pk).count() == 3

    shown = fragment(client, trace(large))

    assert shown.count("<tr data-reason=") == 703
    assert count_statements(client, trace(large)) == count_statements(client, trace(small)) == 8
    assert count_statements(client, trace(large, 1)) == count_statements(client, trace(small, 1)) == 8
    remedies = [
        trace(small, 1, few_enrollments[0].buyer.public_id),
        trace(large, 1, many_enrollments[0].buyer.public_id),
    ]
    assert [count_statements(client, url) for url in remedies] == [6, 6]
    changes = [reverse("admin:routing_lead_change", args=[lead.pk]) for lead in (small, large)]
    assert len({count_statements(client, url) for url in changes}) == 1


def copy_buyers(campaign: Campaign, *, count: int) -> None:
    tier = campaign.tiers.get()
    buyers = Buyer.objects.bulk_create(
        Buyer(workspace=campaign.workspace, name=f"Copy {number}", service_area={}) for number in range(count)
    )
    Enrollment.objects.bulk_create(Enrollment(campaign=campaign, tier=tier, buyer=buyer) for buyer in buyers)
