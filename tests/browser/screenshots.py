"""`make screenshots`: every page of operators and of the portal in light, dark and phone width, in var/screenshots/.

Not collected with the tests: it looks at a demo of 30 leads and asserts only that every page opens.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django import DjangoDbBlocker

from distribution.admin.trace_page import trace_url
from distribution.attempts.distribute import distribute_lead
from distribution.buyers.portal_links import make_link_token
from distribution.models import (
    Assignment,
    Bid,
    Buyer,
    BuyerStatement,
    Campaign,
    CardPayment,
    Delivery,
    Endpoint,
    Enrollment,
    LedgerEntry,
    Offer,
    PayableEntry,
    PingEndpoint,
    PortalUser,
    ReturnRequest,
    Wallet,
)
from distribution.queries import enrollments_for
from distribution.returns.decide import Decision, decline_return
from distribution.returns.evidence import read_file
from distribution.returns.policy import Ask
from distribution.returns.request import request_return
from leadswitch.demo.build import Demo, build_demo
from leadswitch.demo.people import make_leads
from leadswitch.demo.recharge import RunningProvider, running_provider
from leadswitch.env.payments import StripeAccount
from routing.models import DispatchControl, Lead, LeadStatus, Ping, RetryingLead
from tests.browser.account_screens import EMPTY, account_pages, empty_account, live_a_month, make_account
from tests.browser.call_screens import call_pages, make_calls
from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.conftest import OpenAs
from tests.browser.delivery_scene import send_deliveries
from tests.browser.delivery_screens import (
    delivery_pages,
    notices_of,
    owe,
    pages_of_test_leads,
    payable_pages,
    subscribe,
)
from tests.browser.offer_screens import card_pages, make_offers, offer_pages, pay_by_card
from tests.browser.operator_pages import (
    ask_to_delete,
    find_missing,
    lists_with_deletion,
    model_pages,
    name_at,
    password_page,
)
from tests.browser.portal_person import enter
from tests.browser.product import serve_product
from tests.conftest import VAR_DIR
from tests.support import switches
from tests.support.admin_pages import client_of, person, save
from tests.support.admin_pages import page as path_of
from tests.support.factories import (
    LeadFactory,
    ReturnPolicyFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_workspace_key,
)
from tests.support.portal_scene import build_portal_scene, list_pages
from tracing.models import Attempt, AttemptResult, LeadDistributionEvent
from tracing.reconcile import rollups

FOLDER = Path(__file__).resolve().parents[2] / "var" / "screenshots"
LEADS = 30
MAIL = {
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "LEADSWITCH_EMAIL_FROM": "leads@example.com",
    "LEADSWITCH_BASE_URL": "https://leads.example.com",
}
PHONE_OPTIONS = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": DESKTOP},
    "dark": {"color_scheme": "dark", "viewport": DESKTOP},
    "phone": {"color_scheme": "light", **PHONE_OPTIONS},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def address(
    browser: Browser,  # noqa: ARG001 - without one nothing is served
    provider: RunningProvider,
    django_db_setup: None,  # noqa: ARG001
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """The product with the demo's card provider and a mail server: pages say only that there is none otherwise."""
    environment = {**provider.environment, **MAIL}
    with (
        django_db_blocker.unblock(),
        serve_product(log_file=VAR_DIR / "screenshots.log", **environment) as served,
    ):
        yield served


@pytest.fixture
def demo(committed_db: None) -> Demo:  # noqa: ARG001
    """An agency with 60 buyers whose leads were sent through the API and tried once each."""
    demo = build_demo(seed=1)
    client = Client(headers={"Authorization": f"Api-Key {demo.key}", "Idempotency-Key": "monday"})
    leads = list(make_leads(LEADS, seed=1, at=timezone.now()))
    assert (
        client.post("/api/v1/leads/batch/", {"leads": leads}, content_type="application/json").status_code
        < 300
    )
    for lead_id in Lead.objects.values_list("pk", flat=True):
        distribute_lead(lead_id)
    return demo


@pytest.mark.parametrize("look", LOOKS)
def test_take(look: str, demo: Demo, open_as: OpenAs, settings: Any) -> None:  # noqa: ARG001
    settings.LEADSWITCH_STRIPE = StripeAccount(
        "sk_test_1", "pk_test_1", ("whsec_1",), "https://api.stripe.com"
    )
    folder = FOLDER / look
    shutil.rmtree(folder, ignore_errors=True)
    root, newcomer = User.objects.create_superuser("root"), person("operator", WorkspaceFactory.create())
    work_a_little(root)
    rollups.run(fix=True, limit=1_000)
    large_sum = f"/admin/distribution/wallet/{Wallet.objects.order_by('pk')[0].pk}/money/topup/"
    anonymous = open_as(None, **LOOKS[look])
    page = open_as(root, refused=[(400, large_sum)], **LOOKS[look])  # it is asked for once more
    take(anonymous, "/admin/login/", folder / "login.png")
    take_docs(anonymous, folder)
    take_unsubscribing(anonymous, folder)
    pages, unreachable = model_pages(client_of(root))
    pages |= operator_pages()
    for name, path in pages.items():
        take(page, path, folder / f"{name}.png")
    seen = {name_at(path) for path in (*pages.values(), "/admin/login/")}
    assert find_missing(seen, refused=unreachable) == set()
    for name, path in lists_with_deletion(client_of(root)).items():
        ask_to_delete(page, path)
        page.screenshot(path=folder / f"{name}-delete-selected.png", full_page=True)
    take_dry_run(page, folder)
    take_second_factor(open_as, look, folder)
    take_forms(page, folder)
    take_conflict(page, root, folder)
    switches.pause_product(at=timezone.now(), actor="root", reason="this morning's import is wrong")
    resume = f"{path_of(DispatchControl, 'changelist')}resume/"
    for name, path in (("home", pages["home"]), ("dispatch", pages["dispatch"]), ("resume", resume)):
        take(page, path, folder / f"{name}-paused.png")
    empty = open_as(newcomer, **LOOKS[look])
    for name, path in empty_pages().items():
        take(empty, path, folder / f"empty-{name}.png")
    take_errors(open_as, newcomer, look, folder)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.usefixtures("committed_db")
def test_take_portal(look: str, open_as: OpenAs, address: str) -> None:
    """Every page of a buyer with a month of work and of one that is new, and signing in."""
    folder, page = FOLDER / look, open_as(None, **LOOKS[look])
    scene = build_portal_scene()
    take_signing_in(page, scene.user, folder)
    statement = live_a_month(scene)
    enter(page, scene.user, address)
    pages = {**list_pages(scene), "statement-month": f"/portal/wallet/statements/{statement.number}/"}
    for name, path in pages.items():
        take(page, path, folder / f"portal-{name}.png")
    page.goto("/portal/wallet/card/")
    page.get_by_role("button", name="Use another card").click()
    expect(page.get_by_label("Card number")).to_be_visible()
    page.screenshot(path=folder / "portal-add-card.png", full_page=True)
    empty = open_as(None, **LOOKS[look])
    enter(empty, empty_account(), address)
    for name in EMPTY:
        take(empty, list_pages(scene)[name], folder / f"portal-empty-{name}.png")


def take_signing_in(page: Page, user: PortalUser, folder: Path) -> None:
    take(page, "/portal/sign-in/", folder / "portal-sign-in.png")
    token = make_link_token(user.email, at=timezone.now())
    take(page, f"/portal/enter/{token}/", folder / "portal-link.png")


def work_a_little(root: User) -> None:
    """Entries for the audit log, keys of a buyer and a workspace, and a cap that is partly used."""
    client, enrollment = client_of(root), Enrollment.objects.filter(day_leads__gt=0).order_by("pk")[0]
    issue_buyer_key(enrollment.buyer, name="nightly import")
    issue_workspace_key(enrollment.buyer.workspace, name="returns desk")
    ask_for_returns()
    sold = Assignment.objects.select_related("buyer", "lead__source").order_by("pk")[0]
    send_deliveries(sold.buyer, sold.lead)
    subscribe(sold.buyer)
    owe(sold.lead.source)
    make_offers()
    make_calls()
    pay_by_card(enrollment.buyer)
    make_account(enrollment.buyer)
    changes = {"cap_day": "10", "budget_day_cents": "500", "change_reason": "agreed by phone"}
    assert save(client, Enrollment, enrollment, **changes).status_code == 302
    wallet = enrollment.buyer.wallet
    answer = client.post(
        f"/admin/distribution/wallet/{wallet.pk}/money/topup/",
        {"amount": "250", "reason": "paid by transfer", "token": str(uuid4())},
    )
    assert answer.status_code == 302


def asked_pages(failed: Lead, wallet: Wallet) -> dict[str, str]:
    """The sale by hand as it asks, the switch of a buyer, and the histories."""
    enrollment = enrollments_for(failed)[0]
    moved = LedgerEntry.objects.filter(kind="topup").latest("pk").wallet
    return {
        "lead-assign-question": f"{path_of(Lead, 'changelist')}{failed.pk}/assign/?enrollment={enrollment.pk}",
        "buyer-pause": f"{path_of(Buyer, 'changelist')}{wallet.buyer_id}/switch/pause/",
        "wallet-history": path_of(Wallet, "history", moved.pk),
        "buyer-history": path_of(Buyer, "history", moved.buyer_id),
    }


def operator_pages() -> dict[str, str]:
    """The pages that are not of one model, or that show a chosen row."""
    failed = Lead.objects.filter(status=LeadStatus.FAILED).order_by("pk")[0]
    waiting = LeadFactory.create(source=failed.source)
    sold = Assignment.objects.order_by("pk")[0]
    leads, wallet = path_of(Lead, "changelist"), Wallet.objects.order_by("pk")[0]
    seller = Attempt.objects.filter(result=AttemptResult.UNSOLD).order_by("pk")[0]
    return {
        "home": "/admin/",
        "app": "/admin/routing/",
        "password": "/admin/password_change/",
        "password-done": "/admin/password_change/done/",
        "second-factor-set-up": reverse("admin:second_factor_set_up"),
        "user-password": password_page(User.objects.order_by("pk")[0]),
        "second-factor-reset": second_factor_reset_page(),
        "health-workspace": f"{reverse('admin:health')}?window=24h&workspace={failed.workspace_id}",
        **trace_pages(seller),
        "lead-failed-page": path_of(Lead, "change", failed.pk),
        "lead-drawer": f"{leads}?trace={failed.public_id}",
        "lead-run-again": f"{leads}act/rerun/?ids={failed.pk}",
        "lead-assign": f"{leads}{failed.pk}/assign/",
        **asked_pages(failed, wallet),
        "wallet-top-up": f"/admin/distribution/wallet/{wallet.pk}/money/topup/",
        "wallet-adjust": f"/admin/distribution/wallet/{wallet.pk}/money/adjust/",
        **return_pages(),
        **account_pages(),
        **delivery_pages(),
        **payable_pages(sold.lead.source),
        **pages_of_test_leads(sold),
        **offer_pages(),
        **call_pages(),
        **card_pages(),
        "assignment-return": path_of(Assignment, "change", sold.pk).replace("change", "return"),
        "dispatch": path_of(DispatchControl, "changelist"),
        "health": f"{reverse('admin:health')}?window=7d",
        "dispatch-pause": f"{path_of(DispatchControl, 'changelist')}pause/",
        "lead-retry-queue": path_of(RetryingLead, "changelist"),
        "lead-trace": f"{leads}{failed.public_id}/trace/",
        "lead-cancel": f"{leads}act/cancel/?ids={failed.pk},{waiting.pk}",
        "lead-many": f"{leads}act/pause/?ids={failed.pk},{waiting.pk}",
        "routing-test-a-lead": "/admin/routing/routingrule/test/",
    }


def return_pages() -> dict[str, str]:
    """The decisions as they ask, and the figures of buyers."""
    waiting = [str(each.pk) for each in ReturnRequest.objects.filter(state="requested").order_by("pk")]
    returns = path_of(ReturnRequest, "changelist")
    return {
        "return-approve": f"{returns}act/approve/?ids={waiting[0]}",
        "return-decline": f"{returns}act/decline/?ids={waiting[0]}",
        "return-approve-many": f"{returns}act/approve/?ids={','.join(waiting)}",
        "return-figures": reverse("admin:distribution_returnrequest_figures"),
    }


def ask_for_returns() -> None:
    """Three that wait, the first with a file, and one that was declined."""
    sales = Assignment.objects.select_related("buyer").filter(is_test=False).order_by("pk")[:4]
    ReturnPolicyFactory(workspace=sales[0].buyer.workspace, limit_basis="leads_percent", limit_value=100)
    files = (read_file("bounce.txt", b"550 5.1.1 no such user"),)
    for number, sold in enumerate(sales):
        text = "Called on Monday at 2 PM and on Tuesday at 9 AM: the number is not in service."
        ask = Ask("bad_phone", text, 1_500 if number == 1 else None, () if number else files)
        request_return(sold.public_id, ask, buyer=sold.buyer, actor="key hN2vQx7T", at=timezone.now())
    latest = ReturnRequest.objects.latest("pk")
    decline_return(latest.pk, Decision("root", timezone.now(), "the number rings"))


def second_factor_reset_page() -> str:
    """The reset for two people: one has an authenticator app, and one has not."""
    locked_out, other = User.objects.create_user("locked-out"), User.objects.create_user("other")
    TOTPDevice.objects.create(user=locked_out, name="app", confirmed=True)
    return f"{reverse('admin:auth_user_reset_second_factor')}?ids={locked_out.pk},{other.pk}"


def trace_pages(attempt: Attempt) -> dict[str, str]:
    """The trace of one attempt, and of one buyer who was skipped in it."""
    lead = Lead.objects.get(pk=attempt.lead_id)
    skipped = LeadDistributionEvent.objects.filter(attempt_id=attempt.pk, event="buyer_skipped")[0]
    assert skipped.buyer_id is not None
    buyer = Buyer.objects.get(pk=skipped.buyer_id)
    return {
        "lead-trace-attempt": trace_url(lead.public_id, number=attempt.number),
        "lead-trace-buyer": trace_url(lead.public_id, number=attempt.number, buyer=buyer.public_id),
    }


def take_second_factor(open_as: OpenAs, look: str, folder: Path) -> None:
    """What a user with an authenticator app sees: the page, and what it asks before each change."""
    user = User.objects.create_superuser("careful")
    TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    page, place = open_as(user, **LOOKS[look]), reverse("admin:second_factor_set_up")
    take(page, place, folder / "second-factor.png")
    for name in ("off", "codes"):
        page.goto(place)
        page.locator(f"[name={name}]").click()
        expect(page.locator("[name=sure]")).to_be_attached()
        page.screenshot(path=folder / f"second-factor-{name}.png", full_page=True)
    page.locator("[name=codes]").click()
    expect(page.locator(".admin-codes")).to_be_visible()
    page.screenshot(path=folder / "second-factor-new-codes.png", full_page=True)


def take_dry_run(page: Page, folder: Path) -> None:
    """The result of a dry run of rules."""
    page.goto(reverse("admin:routing_routingrule_try"))
    page.locator("[name=lead]").fill(str(Lead.objects.order_by("pk")[0].public_id))
    page.locator("input[type=submit].default").click()
    expect(page.get_by_test_id("dry-run-result")).to_be_visible()
    page.screenshot(path=folder / "routing-test-a-lead-result.png", full_page=True)


def take_conflict(page: Page, root: User, folder: Path) -> None:
    """A field that both changed, and a large sum that is asked for once more."""
    enrollment = Enrollment.objects.order_by("pk")[0]
    page.goto(path_of(Enrollment, "change", enrollment.pk))
    save(client_of(root), Enrollment, enrollment, cap_day="7", change_reason="agreed by phone")
    page.locator("#id_cap_day").fill("9")
    page.locator("[name=_save]").click()
    expect(page.locator(".errorlist").first).to_contain_text("Nothing was saved")
    page.screenshot(path=folder / "enrollment-conflict.png", full_page=True)
    page.goto(f"/admin/distribution/wallet/{Wallet.objects.order_by('pk')[0].pk}/money/topup/")
    page.locator("#id_amount").fill("20000")
    page.locator("#id_reason").fill("paid by transfer")
    page.locator("input[type=submit].default").click()
    expect(page.locator("#id_again")).to_be_visible()
    page.screenshot(path=folder / "wallet-large-sum.png", full_page=True)


def empty_pages() -> dict[str, str]:
    models = {"leads": Lead, "buyers": Buyer, "assignments": Assignment, "deliveries": Delivery}
    models |= {
        "endpoints": Endpoint,
        "returns": ReturnRequest,
        "payables": PayableEntry,
        "offers": Offer,
        "bids": Bid,
    }
    models |= {
        "pings": Ping,
        "ping-endpoints": PingEndpoint,
        "payments": CardPayment,
        "statements": BuyerStatement,
    }
    lists = {name: path_of(model, "changelist") for name, model in models.items()}
    return {
        "home": "/admin/",
        "figures": reverse("admin:distribution_delivery_figures"),
        "accounts": reverse("admin:distribution_ledgerentry_accounts"),
        **lists,
        "nothing-fits": f"{lists['leads']}?status__exact=failed",
    }


def take_docs(page: Page, folder: Path) -> None:
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible()
    page.screenshot(path=folder / "api-docs.png")
    page.locator(".opblock-summary-control").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()
    page.screenshot(path=folder / "api-docs-open.png")


def take_unsubscribing(page: Page, folder: Path) -> None:
    """The link in an email, and what it says afterwards."""
    take(page, notices_of(Buyer.objects.order_by("pk")[0]), folder / "unsubscribe.png")
    page.get_by_role("button").click()
    expect(page.get_by_role("button")).to_have_count(0)
    page.screenshot(path=folder / "unsubscribe-done.png", full_page=True)


def take_forms(page: Page, folder: Path) -> None:
    """A menu that is open, and a form that was refused."""
    page.goto(path_of(Lead, "changelist"))
    page.locator(".admin-filter summary").first.click()
    page.screenshot(path=folder / "lead-list-filter.png")
    page.goto(path_of(Campaign, "add"))
    page.locator("[name=price_cents]").fill("-1")
    page.locator("[name=_save]").click()
    expect(page.locator(".errornote")).to_be_visible()
    page.screenshot(path=folder / "campaign-refused.png", full_page=True)


def take_errors(open_as: OpenAs, user: User, look: str, folder: Path) -> None:
    wallet = Wallet.objects.order_by("pk")[0]
    paths = {
        403: f"/admin/distribution/wallet/{wallet.pk}/money/topup/",
        404: path_of(Lead, "change", 0),
        500: "/broken/",
    }
    page = open_as(user, refused=list(paths.items()), **LOOKS[look])
    page.route("**/broken/", answer_with("500.html", status=500))
    for name in ("400", "403_csrf"):
        page.route(f"**/{name}/", answer_with(f"{name}.html", status=200))
        page.goto(f"/{name}/")
        page.screenshot(path=folder / f"error-{name}.png")
    for status, path in paths.items():
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, path
        page.screenshot(path=folder / f"error-{status}.png")


def answer_with(template: str, *, status: int) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=render_to_string(template))


def take(page: Page, path: str, file: Path) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok, path
    if "?trace=" in path:
        open_first_buyer(page)
    page.screenshot(path=file, full_page="?trace=" not in path)


def open_first_buyer(page: Page) -> None:
    page.get_by_test_id("trace-remedy-open").first.click()
    expect(page.get_by_test_id("trace-remedy")).to_be_visible()
