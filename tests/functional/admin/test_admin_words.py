"""The admin shows words: codes follow them, and errors have a page of the product."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, CampaignSnapshot, LedgerEntry, Tier, Wallet
from routing.models import Lead, Workspace
from tests.support.admin_pages import build_world, client_of, page, person
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    RuleFactory,
    SourceFactory,
    WorkspaceFactory,
)
from tests.support.planting import plant
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def unsold() -> Lead:
    campaign = CampaignFactory()
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    distribute_lead(lead.pk)
    lead.refresh_from_db()
    assert lead.skip_reason == "no_enrolled_buyers"
    return lead


def cell(content: str, column: str) -> str:
    [found] = re.findall(rf'<td class="field-{column}[^"]*"[^>]*>(.*?)</td>', content)
    return found


def test_reason_is_shown_in_words_followed_by_its_code(client: Client, unsold: Lead) -> None:
    expected = (
        '<span title="No buyer is enrolled in the campaign. (no_enrolled_buyers)">No enrolled buyers</span>'
    )
    for model in (Lead, Attempt):
        content = client.get(page(model, "changelist")).content.decode()
        assert cell(content, "reason") == expected

    shown = client.get(page(Lead, "change", unsold.pk)).content.decode()
    assert 'No buyer is enrolled in the campaign. <code class="admin-code">no_enrolled_buyers</code>' in shown


@pytest.mark.usefixtures("unsold")
def test_unknown_reason_is_shown_as_stored(client: Client) -> None:
    plant("UPDATE tracing_attempt SET skip_reason = 'of_old'")
    assert cell(client.get(page(Attempt, "changelist")).content.decode(), "reason") == "of_old"
    attempt = Attempt.objects.get()
    assert "of_old" in client.get(page(Attempt, "change", attempt.pk)).content.decode()


def test_results_and_events_are_words_too(client: Client, unsold: Lead) -> None:
    attempts = client.get(page(Attempt, "changelist")).content.decode()
    assert cell(attempts, "outcome") == (
        '<span class="admin-badge" data-tone="bad" title="unsold">not sold</span>'
    )
    assert cell(attempts, "why") == '<span title="ingest">first attempt</span>'
    assert f'href="/admin/routing/lead/{unsold.pk}/change/"' in cell(attempts, "lead")
    event = LeadDistributionEvent.objects.order_by("pk")[0]
    content = client.get(page(LeadDistributionEvent, "change", event.pk)).content.decode()
    assert '<span title="distribution_started">distribution started</span>' in content


def test_waiting_lead_shows_its_due_time(client: Client) -> None:
    lead = LeadFactory()
    shown = cell(client.get(page(Lead, "changelist")).content.decode(), "state_now")
    assert "waiting until it is due" in shown
    assert f"{lead.next_attempt_at:%Y-%m-%d %H:%M} UTC" in shown


@pytest.mark.parametrize(("keys", "is_folded"), [(38, False), (39, True), (1_998, True)])
def test_long_document_is_folded_away(client: Client, unsold: Lead, keys: int, is_folded: bool) -> None:  # noqa: FBT001
    facts = {f"key {number}": number for number in range(keys)}
    plant("UPDATE tracing_attempt SET facts = %s WHERE lead_id = %s", [json.dumps(facts), unsold.pk])
    attempt = Attempt.objects.get()

    content = client.get(page(Attempt, "change", attempt.pk)).content.decode()

    assert f"<dt>key {keys - 1}</dt><dd>{keys - 1}</dd>" in content
    assert (f"<summary>{keys + 2:,} lines</summary>" in content) is is_folded


def test_every_cell_names_its_column(client: Client) -> None:
    build_world()
    content = client.get(page(Lead, "changelist")).content.decode()
    [row] = re.findall(r"<tbody>(.*?)</tbody>", content, re.S)
    assert re.findall(r'data-label="([^"]*)"', row) == [
        *("", "Public id", "Why", "Status", "Reason", "Lead", "Received (UTC)", "From"),
    ]


def test_empty_list_says_what_to_do() -> None:
    newcomer = client_of(person("operator", WorkspaceFactory()))
    empty = newcomer.get(page(Lead, "changelist")).content.decode()
    assert "Leads are received from sources" in empty
    assert 'name="action"' not in empty
    none_fits = newcomer.get(page(Lead, "changelist"), {"paused": "yes"}).content.decode()
    assert "No matches" in none_fits
    assert "Clear filters" in none_fits


def test_first_question_has_the_focus(client: Client, unsold: Lead) -> None:
    wallet = BuyerFactory().wallet
    enrollment = EnrollmentFactory(campaign=unsold.workspace.campaigns.get(), buyer__credits_cents=5_000)
    for url, name in (
        (f"/admin/distribution/wallet/{wallet.pk}/money/topup/", "amount"),
        (f"/admin/routing/lead/{unsold.pk}/assign/?enrollment={enrollment.pk}", "reason"),
        (f"/admin/routing/lead/act/rerun/?ids={unsold.pk}", "reason"),
    ):
        content = client.get(url).content.decode()
        assert re.findall(r'<(?:input|select)[^>]*name="(\w+)"[^>]* autofocus', content) == [name]


@pytest.mark.parametrize(
    ("status", "text"), [(403, "You do not have permission to do this"), (404, "Page not found")]
)
def test_refusal_is_a_page_of_the_product(status: int, text: str, unsold: Lead) -> None:
    viewer = client_of(person("viewer", unsold.workspace))
    url = "/admin/routing/lead/act/rerun/" if status == 403 else page(Lead, "change", 0)

    answer = viewer.get(url)

    assert answer.status_code == status
    assert text in answer.content.decode()
    assert "leadswitch/admin.css" in answer.content.decode()


@pytest.mark.parametrize("name", ["400", "403_csrf", "500"])
def test_error_pages_need_no_request(name: str) -> None:
    """A failure's page has no request, and must not fail itself."""
    content = render_to_string(f"{name}.html")
    assert f"LeadSwitch · {name[:3]}" in content
    assert 'href="/admin/"' in content


def test_events_name_attempt_and_buyer(client: Client) -> None:
    build_world()
    event = LeadDistributionEvent.objects.filter(event="buyer_selected").get()
    buyer, attempt = Buyer.objects.get(pk=event.buyer_id), Attempt.objects.get(pk=event.attempt_id)

    content = client.get(page(LeadDistributionEvent, "changelist")).content.decode()

    assert f'<a href="{page(Buyer, "change", buyer.pk)}">{buyer}</a>' in content
    assert f'<a href="{page(Attempt, "change", attempt.pk)}">{attempt}</a>' in content


def test_route_of_attempt_names_workspaces_and_rules(client: Client, unsold: Lead) -> None:
    rule = RuleFactory(workspace=unsold.workspace, active=False)
    hop = [[rule.workspace_id, rule.pk, rule.destination_id]]
    plant("UPDATE tracing_attempt SET route = %s WHERE lead_id = %s", [json.dumps(hop), unsold.pk])

    content = client.get(page(Attempt, "change", Attempt.objects.get().pk)).content.decode()

    start, end = (
        f'<a href="{page(Workspace, "change", each.pk)}">{each}</a>'
        for each in (rule.workspace, rule.destination)
    )
    assert f"<div>{start} → {end} by " in content


def test_sale_and_lead_have_readable_titles(client: Client) -> None:
    build_world()
    sale = Assignment.objects.get()

    shown = client.get(page(Assignment, "change", sale.pk)).context["subtitle"]
    lead = client.get(page(Lead, "change", sale.lead_id)).context["subtitle"]

    assert shown == f"Sale to {sale.buyer.name} for $25.00 (…{str(sale.public_id)[-6:]})"
    assert lead.endswith(f"from {sale.lead.source.name} (…{str(sale.lead.public_id)[-6:]})")


def crumbs(content: str) -> list[str]:
    """The texts of the breadcrumbs."""
    [found] = re.findall(r'<div class="breadcrumbs">(.*?)</div>', content, re.S)
    texts = re.sub(r"<[^>]*>", "", found).split("&rsaquo;")
    return [" ".join(text.split()) for text in texts]


def test_breadcrumbs_and_headings_name_lead_sale_and_snapshot(client: Client) -> None:
    build_world()
    sale, snapshot = Assignment.objects.get(), CampaignSnapshot.objects.get()
    end = f"(…{str(sale.lead.public_id)[-6:]})"
    lead_title = client.get(page(Lead, "change", sale.lead_id)).context["subtitle"]
    sale_title = client.get(page(Assignment, "change", sale.pk)).context["subtitle"]
    assert lead_title.endswith(f"from {sale.lead.source.name} {end}")

    shown = [
        client.get(url)
        for url in (
            page(Lead, "change", sale.lead_id),
            page(Lead, "history", sale.lead_id),
            reverse("admin:routing_lead_trace", args=[sale.lead.public_id]),
            page(Assignment, "change", sale.pk),
            page(Assignment, "history", sale.pk),
            reverse("admin:distribution_assignment_return", args=[sale.pk]),
            page(CampaignSnapshot, "change", snapshot.pk),
        )
    ]

    apps = [crumbs(answer.content.decode())[1] for answer in shown]
    assert apps == [*["Leads and where they come from"] * 3, *["Campaigns, buyers and money"] * 4]
    assert [crumbs(answer.content.decode())[-2:] for answer in shown] == [
        ["Leads", lead_title],
        [lead_title, "History"],
        [lead_title, "Trace"],
        ["Assignments", sale_title],
        [sale_title, "History"],
        ["Assignments", f"Return: {sale_title}"],
        ["Campaign snapshots", f"{snapshot.campaign}, version {snapshot.config_version}"],
    ]


def test_titles_of_rows_begin_with_a_capital(client: Client) -> None:
    build_world()
    titles = [
        client.get(page(model, "change", model._default_manager.order_by("pk")[0].pk)).context["subtitle"]
        for model in (Attempt, Tier, Wallet, LedgerEntry)
    ]

    assert [title.split()[0] for title in titles] == ["Attempt", "Tier", "Wallet", "Top-up,"]


def test_breadcrumbs_of_health_name_its_section(client: Client) -> None:
    content = client.get(reverse("admin:health")).content.decode()

    assert crumbs(content) == ["Home", "Leads and where they come from", "Health"]


def test_sale_links_its_attempt(client: Client) -> None:
    build_world()
    sale = Assignment.objects.get()
    attempt = Attempt.objects.get(pk=sale.attempt_id)

    content = client.get(page(Assignment, "change", sale.pk)).content.decode()

    assert f'<a href="{page(Attempt, "change", attempt.pk)}">{attempt}</a>' in content
