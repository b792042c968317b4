"""The admin: every page opens, and its cost does not grow with its rows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from distribution.models import (
    Assignment,
    BlockedPhone,
    Buyer,
    CallEvent,
    CallingHours,
    CallNotice,
    Card,
    CardCustomer,
    CardDispute,
    CardRefund,
    Deliverer,
    DeliveryTry,
    Dialer,
    EndpointSecret,
    Event,
    LedgerEntry,
    OfferBuyer,
    PaymentMark,
    PortalLink,
    PortalSession,
    ProviderEvent,
    Recharge,
    RechargeNotice,
    ReturnFile,
    StatementCounter,
    StatementMail,
    VerifyWatermark,
    Wallet,
)
from routing.intake.identity import identify
from routing.models import Begun, Canary, DispatchControl, Lead, LeadAllowance, ReconcilerRun
from tests.support.admin_pages import (
    EDITABLE,
    MODELS,
    OURS,
    READ_ONLY,
    build_world,
    client_of,
    count_statements,
    page,
)
from tests.support.factories import (
    BuyerFactory,
    LeadFactory,
)
from tracing.models import (
    Attempt,
    AttemptDay,
    AttemptHour,
    AttemptHourTotal,
    LeadDistributionEvent,
    RollupState,
    UncountedAttempt,
    WorkspaceDay,
    WorkspaceHour,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def test_every_table_has_a_page() -> None:
    """Except the dispatch with canaries and last runs, whose page is no list, counters, and what processes record.

    The evidence of a return is on the page of the return, and the tries and the event of a delivery on that of the
    delivery. A secret is shown once, when it is made. A card and its recharge are on the page of the wallet, refunds
    and disputes on that of the payment, and the buyers of an offer on that of the offer. The mail of a statement is on
    the page of the statement, and the notice of a pause is in the buyer's mailbox.
    """
    from django.apps import apps

    ours = {model for model in apps.get_models() if model._meta.app_label in OURS and not model._meta.proxy}
    ours -= {DispatchControl, Canary, ReconcilerRun, LeadAllowance, Begun, VerifyWatermark, ReturnFile}
    ours -= {AttemptDay, AttemptHour, AttemptHourTotal, WorkspaceDay, WorkspaceHour}
    ours -= {RollupState, UncountedAttempt, Deliverer, DeliveryTry, EndpointSecret, Event}
    ours -= {
        Card,
        CardCustomer,
        CardDispute,
        CardRefund,
        Recharge,
        RechargeNotice,
        ProviderEvent,
        PaymentMark,
    }
    ours -= {OfferBuyer, PortalLink, PortalSession, StatementCounter, StatementMail}
    ours -= {Dialer, CallNotice, CallEvent}
    # Superusers change calling hours, and blocked phones are only added and removed. They have tests of their own.
    ours -= {CallingHours, BlockedPhone}
    assert set(MODELS) == ours == {*READ_ONLY, *EDITABLE, Wallet}


@every_model
def test_every_page_opens(model: type[Model], client: Client) -> None:
    build_world()

    assert client.get(page(model, "changelist")).status_code == 200
    assert client.get(page(model, "add")).status_code == (200 if model in EDITABLE else 403)
    for row in model._default_manager.all():
        response = client.get(page(model, "change", row.pk))
        assert response.status_code == 200
        assert client.get(page(model, "history", row.pk)).status_code == 200


@every_model
def test_list_costs_the_same_statements_with_more_rows(model: type[Model], client: Client) -> None:
    build_world()
    client.get(page(model, "changelist"))
    few, rows_before = count_statements(client, page(model, "changelist")), model._default_manager.count()
    for _ in range(3):
        build_world()

    assert model._default_manager.count() > rows_before
    assert count_statements(client, page(model, "changelist")) == few


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_large_table_is_never_counted(model: type[Model], client: Client) -> None:
    build_world()
    with CaptureQueriesContext(connection) as captured:
        client.get(page(model, "changelist"))
    assert [each["sql"] for each in captured if "COUNT(" in each["sql"]] == []


def test_pages_are_found_by_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page skips over the rows before it, and going back shows the previous page."""
    leads = [LeadFactory() for _ in range(7)]
    monkeypatch.setattr(admin.site._registry[Lead], "list_per_page", 3)
    url = page(Lead, "changelist")
    first = client.get(url).context["cl"]
    second = client.get(url + first.older_url).context["cl"]
    third = client.get(url + second.older_url).context["cl"]

    assert [list(each.result_list) for each in (first, second, third)] == [
        leads[6:3:-1],
        leads[3:0:-1],
        leads[:1],
    ]
    assert (first.newer_url, third.older_url) == ("", "")
    back = client.get(url + third.newer_url).context["cl"]
    assert list(back.result_list) == list(second.result_list)
    with CaptureQueriesContext(connection) as captured:
        client.get(url + second.older_url)
    assert not [each["sql"] for each in captured if "OFFSET" in each["sql"]]


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
@pytest.mark.parametrize("key", ["x", "9" * 30, "-1", "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e", "٣"])
def test_page_with_an_invalid_key_opens(model: type[Model], key: str, client: Client) -> None:
    for parameter in ("older_than", "newer_than"):
        assert client.get(page(model, "changelist"), {parameter: key}).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_read_only_pages_refuse_writes(model: type[Model], client: Client) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.order_by("pk").values())

    assert client.post(page(model, "add"), {}).status_code == 403
    assert client.post(page(model, "change", row.pk), {"_save": "Save"}).status_code == 403
    confirmed = {"post": "yes", "change_reason": "because"}
    assert client.post(page(model, "delete", row.pk), confirmed).status_code == 403
    client.post(
        page(model, "changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], **confirmed},
    )
    assert list(model._default_manager.order_by("pk").values()) == before


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_action_requires_a_permission(model: type[Model]) -> None:
    """An action without permissions is open to view-only staff."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    build_world()
    response = client_of(user).get(page(model, "changelist"))

    assert response.status_code == 200
    assert b'name="action"' not in response.content
    for action in admin.site._registry[model].actions or ():
        assert getattr(action, "allowed_permissions", None), action


@every_model
def test_staff_without_permissions_see_nothing(model: type[Model]) -> None:
    client = client_of(User.objects.create_user("clerk", is_staff=True))

    assert client.get(page(model, "changelist")).status_code == 403


HOSTILE = [
    "'",
    "%",
    "9" * 5000,
    "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
    "-1",
    "a@b",
    "+1 404",
    "٣",
    "{}",
]


@every_model
def test_any_text_can_be_searched_for(model: type[Model], client: Client) -> None:
    for text in HOSTILE:
        assert client.get(page(model, "changelist"), {"q": text}).status_code == 200, text


def found(client: Client, model: type[Model], text: object) -> list[Any]:
    return list(client.get(page(model, "changelist"), {"q": str(text)}).context["cl"].result_list)


def test_lead_is_found_by_its_own_fields(client: Client) -> None:
    identity = identify(email="ada@example.com", phone="+14048812345")
    LeadFactory()
    lead = LeadFactory(
        email_hash=identity.email_hash, phone_hash=identity.phone_hash, external_id="form-4711"
    )

    for text in (" Ada@Example.com ", "(404) 881-2345", "form-4711", lead.public_id, lead.pk):
        assert found(client, Lead, text) == [lead]
    assert found(client, Lead, "ada") == []


def test_trace_and_the_money_are_found_by_ids(client: Client) -> None:
    build_world()
    build_world()
    assignment = Assignment.objects.select_related("lead", "buyer").latest("pk")
    attempt = Attempt.objects.get(pk=assignment.attempt_id)

    assert found(client, Attempt, attempt.pk) == [attempt]
    assert found(client, Attempt, attempt.lead_id) == [attempt]
    assert {event.attempt_id for event in found(client, LeadDistributionEvent, attempt.pk)} == {attempt.pk}
    assert found(client, Assignment, assignment.lead.public_id) == [assignment]
    entries = found(client, LedgerEntry, assignment.buyer.public_id)
    assert [entry.kind for entry in entries] == ["charge", "topup"]


def test_lists_can_be_filtered(client: Client) -> None:
    build_world()
    attempts = page(Attempt, "changelist")
    events = page(LeadDistributionEvent, "changelist")

    assert len(client.get(attempts, {"skip_reason": "no_campaign"}).context["cl"].result_list) == 0
    assert len(client.get(events, {"event": "buyer_skipped"}).context["cl"].result_list) == 1
    assert len(client.get(events, {"skip_reason": "enrollment_paused"}).context["cl"].result_list) == 1


def test_lead_page_shows_its_explanation(client: Client) -> None:
    build_world()
    lead = Lead.objects.get()

    content = client.get(page(Lead, "change", lead.pk)).content.decode()

    buyer = Assignment.objects.select_related("buyer").get().buyer
    assert f"{buyer.name}: selected, rank 1, for $25.00." in content
    assert "2 buyers enrolled, 1 with an active enrollment, 1 selected." in content


def test_explanation_cannot_carry_markup_into_the_page(client: Client) -> None:
    build_world()
    for buyer in Buyer.objects.all():
        buyer.name = f"<script>alert({buyer.pk})</script>"
        buyer.save(update_fields=["name"])

    content = client.get(page(Lead, "change", Lead.objects.get().pk)).content.decode()

    assert "<script>alert(" not in content
    assert "&lt;script&gt;alert(" in content


def test_buyers_page_shows_its_balance(client: Client) -> None:
    buyer = BuyerFactory(credits_cents=12_345)

    assert "$123.45" in client.get(page(Buyer, "change", buyer.pk)).content.decode()
    assert client.post(page(Buyer, "delete", buyer.pk), {"post": "yes"}).status_code == 403


def urls_of_rows() -> Iterator[str]:
    for model in MODELS:
        for row in model._default_manager.all()[:1]:
            yield page(model, "change", row.pk)


def test_anonymous_visitor_is_sent_to_the_login() -> None:
    build_world()
    for url in urls_of_rows():
        response = Client().get(url)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
