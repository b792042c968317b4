"""A page that was opened from a list leads back to that list, with its filters, search, order and page."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Wallet
from routing.models import Lead, RetryingLead
from tests.support.admin_pages import client_of, page
from tests.support.factories import BuyerFactory, EnrollmentFactory, LeadFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db
LEADS = {"status__exact": "pending", "q": "", "paused": "no"}


@pytest.fixture
def root() -> Client:
    return client_of(User.objects.create_superuser("root"))


def address(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


def choose(client: Client, model: type[Any], action: str, query: str, *rows: Any) -> str:
    """The address that a list's action leads to."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return str(client.post(f"{page(model, 'changelist')}?{query}", data)["Location"])


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "query", ["status__exact=pending&paused=no", "q=batch-1", "older_than=999999999&q=batch-1"]
)
def test_action_on_leads_returns_to_the_list(root: Client, query: str, count: int) -> None:
    leads = LeadFactory.create_batch(2, external_id="batch-1")
    url = choose(root, Lead, "pause_leads", query, *leads[:count])
    expected = (page(Lead, "changelist"), dict(parse_qsl(query)))
    assert address(root.get(url).context["back"]) == expected

    done = root.post(url, {"reason": "a doubt"})

    assert address(done["Location"]) == expected
    assert Lead.objects.filter(paused_at__isnull=False).count() == count


def test_action_on_the_retry_queue_returns_to_it(root: Client) -> None:
    lead = LeadFactory(attempts=1, next_attempt_at=timezone.now())
    url = choose(root, RetryingLead, "give_up_leads", "paused=no", lead)

    done = root.post(url, {"reason": "hopeless"})

    assert address(done["Location"]) == (page(RetryingLead, "changelist"), {"paused": "no"})


def test_button_of_a_lead_returns_to_its_page_and_its_list(root: Client) -> None:
    lead = LeadFactory()
    shown = root.get(f"{page(Lead, 'change', lead.pk)}?_changelist_filters=paused%3Dno")
    [url] = [each["url"] for each in shown.context["action_buttons"] if each["title"] == "Pause"]

    done = root.post(url, {"reason": "a doubt"})

    assert address(done["Location"]) == (
        page(Lead, "change", lead.pk),
        {"_changelist_filters": "paused=no"},
    )


def test_sale_by_hand_returns_to_the_page_and_its_list(root: Client) -> None:
    place = EnrollmentFactory(buyer__credits_cents=5_000, buyer__service_area={"states": ["FL"]})
    lead = LeadFactory(source__workspace=place.campaign.workspace)
    url = reverse("admin:routing_lead_assign", args=[lead.pk]) + "?_changelist_filters=q%3Dx"
    chosen = f"{root.get(url).context['choose']}{place.pk}"

    done = root.post(chosen, {"reason": "promised", "enrollment": place.pk})

    assert Assignment.objects.count() == 1
    assert address(done["Location"]) == (page(Lead, "change", lead.pk), {"_changelist_filters": "q=x"})


@pytest.mark.parametrize("title", ["Top up", "Adjust"])
def test_movement_of_money_returns_to_the_wallet_and_its_list(root: Client, title: str) -> None:
    wallet = BuyerFactory().wallet
    shown = root.get(f"{page(Wallet, 'change', wallet.pk)}?_changelist_filters=q%3Dacme%26o%3D2")
    [url] = [each["url"] for each in shown.context["action_buttons"] if each["title"] == title]
    form = root.get(url).context["form"]

    done = root.post(url, {"amount": "5", "reason": "x", "token": form["token"].value()})

    assert address(done["Location"]) == (
        page(Wallet, "change", wallet.pk),
        {"_changelist_filters": "q=acme&o=2"},
    )


def test_return_redirects_to_the_assignment_and_its_list(root: Client) -> None:
    place = EnrollmentFactory(buyer__credits_cents=5_000)
    distribute_lead(LeadFactory(source__workspace=place.campaign.workspace).pk)
    sold = Assignment.objects.get()
    shown = root.get(f"{page(Assignment, 'change', sold.pk)}?_changelist_filters=state%3Dsold")
    [button] = shown.context["action_buttons"]

    done = root.post(button["url"], {"reason": "wrong number"})

    assert address(done["Location"]) == (
        page(Assignment, "change", sold.pk),
        {"_changelist_filters": "state=sold"},
    )


def test_switch_returns_to_the_search_of_the_dispatch_page(root: Client) -> None:
    workspace = WorkspaceFactory(name="Sunbelt & Co")
    listed = reverse("admin:routing_dispatchcontrol_changelist")
    content = root.get(listed, {"q": "Sunbelt &"}).content.decode()
    assert f"pause/?workspace={workspace.pk}&amp;q=Sunbelt%20%26" in content
    url = f"{reverse('admin:routing_dispatchcontrol_switch', args=['pause'])}?workspace={workspace.pk}&q=Sunbelt+%26"

    done = root.post(url, {"reason": "a doubt"})

    assert address(done["Location"]) == (listed, {"q": "Sunbelt &"})


def test_way_back_never_leaves_the_admin(root: Client) -> None:
    """It stores a query of the admin's own lists, never another address."""
    lead = LeadFactory()
    evil = "https%3A%2F%2Fevil.example"
    url = f"{reverse('admin:routing_lead_act', args=['pause'])}?ids={lead.pk}&list={evil}&_changelist_filters={evil}"

    done = root.post(url, {"reason": "a doubt"})

    assert done["Location"].startswith(page(Lead, "change", lead.pk))
