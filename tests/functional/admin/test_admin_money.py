"""Finance moves money: the page requires a confirmation and a reason, and a form sent twice moves it once."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment, LedgerEntry, ReturnRequest, Tier, Wallet
from tests.support.admin_pages import client_of, page, person, problems, save
from tests.support.buyer_program import Api
from tests.support.factories import (
    BuyerFactory,
    EnrollmentFactory,
    LeadFactory,
    PortalUserFactory,
    SourceFactory,
)
from tests.support.portal import signed_in
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet() -> Wallet:
    return Wallet.objects.get(buyer=BuyerFactory(credits_cents=1_000))


@pytest.fixture
def finance(wallet: Wallet) -> Client:
    return client_of(person("finance", wallet.buyer.workspace))


def money_url(wallet: Wallet, name: str = "topup") -> str:
    return reverse("admin:distribution_wallet_money", args=[wallet.pk, name])


def sent(**changes: Any) -> dict[str, Any]:
    return {"amount": "25.50", "reason": "paid by card", "token": str(uuid4()), **changes}


def sell_one(wallet: Wallet) -> Assignment:
    enrollment = EnrollmentFactory(campaign__workspace=wallet.buyer.workspace, buyer=wallet.buyer)
    Wallet.objects.update(credit_limit_cents=10_000)
    distribute_lead(LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace)).pk)
    return Assignment.objects.get()


def balance() -> int:
    return Wallet.objects.get().balance_cents


def test_top_up_adds_dollars(finance: Client, wallet: Wallet) -> None:
    form = finance.get(money_url(wallet)).context["form"]
    token = form["token"].value()

    answer = finance.post(money_url(wallet), sent(token=str(token)), follow=True)

    assert [str(message) for message in answer.context["messages"]] == ["Top up: $25.50."]
    assert balance() == 3_550
    entry = LedgerEntry.objects.latest("pk")
    assert (entry.kind, entry.amount_cents, entry.reason) == ("topup", 2_550, "paid by card")
    assert entry.actor.startswith("finance")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("topup", "paid by card")
    assert (entry.before, entry.after) == ({"balance_cents": 1_000}, {"balance_cents": 3_550})


def test_buyer_reads_the_note_and_never_the_reason(finance: Client, wallet: Wallet) -> None:
    note = "Transfer of March 2"
    finance.post(money_url(wallet), sent(reason="he paid late again", buyer_note=note))
    finance.post(money_url(wallet, "adjust"), sent(reason="to keep him calm"))
    person = signed_in(PortalUserFactory(buyer=wallet.buyer))
    shown = person.get("/portal/wallet/").content.decode()
    ledger = Api(wallet.buyer).get("ledger/")["results"]
    assert note in shown
    assert "late again" not in shown
    assert "him calm" not in shown
    assert [each["reason"] for each in ledger[:2]] == ["", note]
    reasons = LedgerEntry.objects.order_by("-pk").values_list("reason", "buyer_note")[:2]
    assert list(reasons) == [("to keep him calm", ""), ("he paid late again", note)]
    history = finance.get(page(Wallet, "history", wallet.pk)).content.decode()
    assert f"Shown to the buyer: {note}" in history


# As a process of the version before notes writes it: its form said that the buyer reads the reason.
WITHOUT_NOTE = """
INSERT INTO distribution_ledgerentry (
    wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, actor, reason, other_account
) VALUES (%s, 'topup', 100, 1100, 'topup:old', 'op', 'Invoice 41', 'manual_clearing')
"""


def test_buyer_reads_the_reason_of_a_movement_of_a_version_without_notes(
    finance: Client, wallet: Wallet
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_NOTE, [wallet.pk])
    shown = signed_in(PortalUserFactory(buyer=wallet.buyer)).get("/portal/wallet/").content.decode()
    assert "Invoice 41" in shown
    assert Api(wallet.buyer).get("ledger/")["results"][0]["reason"] == "Invoice 41"
    entry = LedgerEntry.objects.get(idempotency_key="topup:old")
    assert finance.get(page(LedgerEntry, "change", entry.pk)).status_code == 200
    assert "Shown to the buyer" not in finance.get(page(Wallet, "history", wallet.pk)).content.decode()


def test_forms_say_what_the_buyer_reads(finance: Client, wallet: Wallet) -> None:
    form = finance.get(money_url(wallet)).context["form"]
    assert form.fields["buyer_note"].label == "Shown to the buyer"
    assert "buyer" not in form.fields["reason"].help_text
    url = reverse("admin:distribution_assignment_return", args=[sell_one(wallet).pk])
    assert "The buyer sees it." in finance.get(url).context["form"].fields["reason"].help_text


def test_form_sent_twice_moves_once(finance: Client, wallet: Wallet) -> None:
    """A payment event that is delivered twice must not move money twice."""
    data = sent()
    finance.post(money_url(wallet), data)
    answer = finance.post(money_url(wallet), data, follow=True)

    assert [str(message) for message in answer.context["messages"]][-1].startswith(
        "This form was already submitted"
    )
    assert balance() == 3_550
    assert AuditEntry.objects.count() == 1


def test_form_sent_again_with_another_amount_is_refused(finance: Client, wallet: Wallet) -> None:
    data = sent()
    finance.post(money_url(wallet), data)

    assert finance.post(money_url(wallet), {**data, "amount": "1"}).status_code == 400
    assert balance() == 3_550


def test_adjustment_may_reduce_the_balance(finance: Client, wallet: Wallet) -> None:
    assert finance.post(money_url(wallet, "adjust"), sent(amount="-4")).status_code == 302
    assert balance() == 600
    assert finance.post(money_url(wallet, "adjust"), sent(amount="-6.01")).status_code == 400
    assert balance() == 600
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            {"amount": amount}
            for amount in ("", "0", "-1", "x", "1.001", "NaN", "Infinity", "1e99", "9" * 40)
        ),
        *({"reason": reason} for reason in ("", "  ", "x" * 201)),
        *({"token": token} for token in ("", "x", "1")),
    ],
    ids=str,
)
def test_invalid_top_up_is_refused(finance: Client, wallet: Wallet, wrong: dict[str, str]) -> None:
    assert finance.post(money_url(wallet), sent(**wrong)).status_code == 400
    assert balance() == 1_000
    assert not AuditEntry.objects.exists()


def test_return_refunds_the_charge(finance: Client, wallet: Wallet) -> None:
    assignment = sell_one(wallet)
    url = reverse("admin:distribution_assignment_return", args=[assignment.pk])
    assert "$25.00" in finance.get(url).content.decode()
    assert finance.post(url, {"reason": ""}).status_code == 400

    for _ in range(2):
        assert finance.post(url, {"reason": "wrong number"}).status_code == 302

    assert balance() == 1_000
    assert Assignment.objects.get().state == "returned"
    request = ReturnRequest.objects.get()
    assert (request.state, request.reason, request.refund_cents) == ("approved", "agency", 2_500)
    entry = AuditEntry.objects.get(model="distribution.assignment")
    assert (entry.action, entry.before["state"], entry.after["state"]) == ("return", "sold", "returned")
    actions = AuditEntry.objects.filter(model="distribution.returnrequest").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["requested", "approved"]


def test_credit_limit_is_shown(finance: Client, wallet: Wallet) -> None:
    assert (
        save(finance, Wallet, wallet, credit_limit_cents="7", change_reason="good payer").status_code == 302
    )

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("credit limit", "good payer")
    assert (entry.before, entry.after) == ({"credit_limit_cents": 0}, {"credit_limit_cents": 700})


def test_limit_is_not_stored_when_the_form_is_invalid(finance: Client, wallet: Wallet) -> None:
    save(finance, Wallet, wallet, credit_limit_cents="7", change_reason="x" * 500)
    assert Wallet.objects.get().credit_limit_cents == 0


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_money_is_for_finance(role: str, wallet: Wallet) -> None:
    client = client_of(person(role, wallet.buyer.workspace))
    enrollment = EnrollmentFactory(campaign__workspace=wallet.buyer.workspace, buyer__credits_cents=5_000)
    distribute_lead(LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace)).pk)
    returning = reverse("admin:distribution_assignment_return", args=[Assignment.objects.get().pk])

    for url in (money_url(wallet), money_url(wallet, "adjust"), returning):
        assert client.get(url).status_code == 403
        assert client.post(url, sent()).status_code == 403
    assert client.post(page(Wallet, "change", wallet.pk), {"credit_limit_cents": "5"}).status_code == 403
    shown = client.get(page(Wallet, "change", wallet.pk)).content.decode()
    assert money_url(wallet) not in shown
    assert money_url(wallet, "adjust") not in shown
    assert Assignment.objects.get().state == "sold"


def test_foreign_wallet_is_a_404(wallet: Wallet, finance: Client) -> None:
    foreign = Wallet.objects.get(buyer=BuyerFactory())
    for url in (money_url(foreign), money_url(wallet, "steal"), money_url(Wallet(pk=999_999))):
        assert finance.get(url).status_code == 404
        assert finance.post(url, sent()).status_code == 404


class TestLargeSums:
    """A sum above LEADSWITCH_LARGE_SUM_DOLLARS is typed twice, by a person with permission for such sums."""

    LARGE = "10000.01"

    @pytest.fixture
    def treasurer(self, wallet: Wallet) -> Client:
        user = person("finance", wallet.buyer.workspace)
        user.user_permissions.add(Permission.objects.get(codename="move_large_sums"))
        return client_of(user)

    @pytest.mark.parametrize("name", ["topup", "adjust"])
    def test_large_sum_needs_the_permission(self, name: str, finance: Client, wallet: Wallet) -> None:
        assert finance.post(money_url(wallet, name), sent(amount="10000")).status_code == 302
        refused = finance.post(money_url(wallet, name), sent(amount=self.LARGE, again=self.LARGE))

        assert refused.status_code == 400
        assert "$10,000.01 is above $10,000.00. You need the permission" in refused.content.decode()
        assert balance() == 1_001_000

    def test_large_sum_is_typed_twice(self, treasurer: Client, wallet: Wallet) -> None:
        first = sent(amount="9999999")
        asked = treasurer.post(money_url(wallet), first)
        assert asked.status_code == 400
        assert "is above $10,000.00. Enter the amount again to confirm" in asked.content.decode()
        assert not asked.context["form"]["again"].is_hidden
        assert treasurer.post(money_url(wallet), {**first, "again": "999999"}).status_code == 400
        assert balance() == 1_000

        assert treasurer.post(money_url(wallet), {**first, "again": "9999999"}).status_code == 302

        assert balance() == 999_999_900 + 1_000

    def test_small_sum_is_typed_once(self, treasurer: Client, wallet: Wallet) -> None:
        form = treasurer.get(money_url(wallet)).context["form"]
        assert form["again"].is_hidden
        assert treasurer.post(money_url(wallet), sent()).status_code == 302

    def test_large_adjustment_downwards_is_a_large_sum(self, treasurer: Client, wallet: Wallet) -> None:
        Wallet.objects.update(credit_limit_cents=900_000_000)
        data = sent(amount=f"-{self.LARGE}")

        assert treasurer.post(money_url(wallet, "adjust"), data).status_code == 400
        assert (
            treasurer.post(money_url(wallet, "adjust"), {**data, "again": data["amount"]}).status_code == 302
        )

    def test_large_credit_limit_is_a_large_sum(
        self, finance: Client, treasurer: Client, wallet: Wallet
    ) -> None:
        limit = {"credit_limit_cents": self.LARGE, "limit_again": self.LARGE}
        assert "permission" in problems(save(finance, Wallet, wallet, **limit))["credit_limit_cents"][0]
        once = save(treasurer, Wallet, wallet, credit_limit_cents=self.LARGE)
        assert "again to confirm" in problems(once)["limit_again"][0]
        assert Wallet.objects.get().credit_limit_cents == 0

        assert save(treasurer, Wallet, wallet, **limit).status_code == 302

        assert Wallet.objects.get().credit_limit_cents == 1_000_001
        assert save(finance, Wallet, wallet, credit_limit_cents="10000.00").status_code == 302  # lower

    def test_setting_is_the_limit(self, finance: Client, wallet: Wallet, settings: Any) -> None:
        settings.LEADSWITCH_LARGE_SUM_CENTS = 2_000
        assert finance.post(money_url(wallet), sent(amount="20.01")).status_code == 400
        assert finance.post(money_url(wallet), sent(amount="20")).status_code == 302

    def test_admins_may_move_large_sums_and_others_may_not(self) -> None:
        allowed = Group.objects.filter(permissions__codename="move_large_sums")
        assert list(allowed.values_list("name", flat=True)) == ["admin"]


@pytest.mark.parametrize(
    ("model", "field", "most"),
    [
        (Campaign, "price_cents", "$100,000.00"),
        (Tier, "price_cents", "$100,000.00"),
        (Enrollment, "bid_cents", "$100,000.00"),
        (Enrollment, "budget_month_cents", "$10,000,000.00"),
        (Wallet, "credit_limit_cents", "$10,000,000.00"),
    ],
    ids=str,
)
def test_absurd_amount_is_refused_with_its_bounds(
    model: type[Model], field: str, most: str, admin_client: Client
) -> None:
    enrollment = EnrollmentFactory()
    rows = {Campaign: enrollment.campaign, Tier: enrollment.tier, Wallet: enrollment.buyer.wallet}
    row = rows.get(model, enrollment)  # type: ignore[call-overload]

    for absurd in ("90000000000000000", "-1", "10000000.01"):
        [text] = problems(save(admin_client, model, row, **{field: absurd}))[field]
        sign, amount = ("-", absurd[1:]) if absurd[0] == "-" else ("", absurd)
        assert text == f"Enter an amount from $0.00 to {most}. This is {sign}${Decimal(amount):,}.", absurd


def test_absurd_top_up_is_refused_with_its_bounds(finance: Client, wallet: Wallet) -> None:
    for absurd in ("10000000.01", "-10000000.01", "9" * 18):
        shown = finance.post(money_url(wallet), sent(amount=absurd))
        assert "Enter an amount from -$10,000,000.00 to $10,000,000.00" in shown.content.decode()
    assert balance() == 1_000
