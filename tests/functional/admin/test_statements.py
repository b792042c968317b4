"""Statements in the admin: the list with what is overdue, pages, previews, issue by hand, and terms of a wallet."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from distribution.models import Buyer, BuyerStatement, StatementMail, Wallet
from distribution.statements import download
from distribution.statements.pdf import NO_PANGO, PdfUnavailable
from tests.support.admin_pages import client_of, person
from tests.support.factories import CampaignFactory, WorkspaceFactory
from tests.support.statements import JANUARY, book, buyer_on_terms, charge, issue
from tracing.admin.audited import REASON
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

MIDDLE = datetime(2026, 1, 15, 17, tzinfo=UTC)
NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)


@pytest.fixture
def buyer() -> Buyer:
    campaign = CampaignFactory(name="Roofing")
    buyer = buyer_on_terms(workspace=campaign.workspace, name="Acme")
    charge(buyer, campaign, 2_500, at=MIDDLE)
    return buyer


def client(buyer: Buyer, role: str = "finance") -> Client:
    return client_of(person(role, buyer.workspace))


def month_url(buyer: Buyer, month: str = "") -> str:
    url = reverse("admin:distribution_wallet_statement", args=[buyer.wallet.pk])
    return f"{url}?month={month}" if month else url


def list_shown(client: Client, payment: str) -> list[int]:
    answer = client.get(reverse("admin:distribution_buyerstatement_changelist"), {"payment": payment})
    assert answer.status_code == 200
    return sorted(row.number for row in answer.context["cl"].result_list)


def test_list_filters_what_is_overdue(buyer: Buyer) -> None:
    paid = buyer_on_terms(workspace=buyer.workspace)
    book(paid, "adjustment", -100, at=MIDDLE)
    credit = buyer_on_terms(workspace=buyer.workspace)
    foreign = buyer_on_terms()
    book(foreign, "adjustment", -100, at=MIDDLE)
    for each in (buyer, paid, credit, foreign):
        issue(each)
    book(paid, "topup", 100, at=NOW)
    due_at = BuyerStatement.objects.get(wallet__buyer=buyer).due_at
    finance = client(buyer)

    with time_machine.travel(due_at - timedelta(seconds=1), tick=False):
        assert (list_shown(finance, "overdue"), list_shown(finance, "open")) == ([], [1])
    with time_machine.travel(due_at, tick=False):
        assert (list_shown(finance, "overdue"), list_shown(finance, "open")) == ([1], [1])
        assert list_shown(finance, "") == [1, 2, 3]


def test_page_has_figures_and_what_is_still_to_be_paid(buyer: Buyer) -> None:
    statement = issue(buyer)
    url = reverse("admin:distribution_buyerstatement_change", args=[statement.pk])

    with time_machine.travel(statement.due_at, tick=False):
        text = client(buyer, "viewer").get(url).content.decode()

    assert "Statement 1: Acme, January 2026" in text
    assert "$25.00 of $25.00 is still to be paid, until 2026-03-03. It is overdue." in text
    for expected in ("Roofing", "-$25.00", "Closing balance", "Nothing is due" and "March 3, 2026"):
        assert expected in text


MAIL_ENDED = "2026-02-10 12:00:00 UTC"


@pytest.mark.parametrize(
    ("stored", "line"),
    [
        ({}, "Its mail to pay@example.com is waiting to be sent."),
        (
            {"error": "timed out"},
            "Its mail to pay@example.com is waiting to be sent. The last try failed: timed out.",
        ),
        (
            {"state": "sent", "next_try_at": None, "ended_at": NOW},
            f"It was mailed to pay@example.com at {MAIL_ENDED}.",
        ),
        (
            {"state": "failed", "next_try_at": None, "ended_at": NOW, "error": "no such inbox"},
            f"It could not be mailed to pay@example.com at {MAIL_ENDED}: no such inbox.",
        ),
    ],
)
def test_page_says_whether_it_was_mailed(buyer: Buyer, stored: dict[str, Any], line: str) -> None:
    Wallet.objects.filter(buyer=buyer).update(statement_emails="pay@example.com")
    statement = issue(buyer)
    StatementMail.objects.update(**stored)

    page = client(buyer).get(reverse("admin:distribution_buyerstatement_change", args=[statement.pk]))

    assert page.context["lines"][1] == line


def test_page_of_a_statement_without_mail_says_so(buyer: Buyer) -> None:
    page = client(buyer).get(reverse("admin:distribution_buyerstatement_change", args=[issue(buyer).pk]))

    assert page.context["lines"][1] == "It is not mailed: its wallet named no address when it was issued."


def test_page_and_pdf_of_another_agency_do_not_exist(buyer: Buyer) -> None:
    statement = issue(buyer)
    stranger = client_of(person("finance", WorkspaceFactory()))

    for name in ("change", "pdf"):
        url = reverse(f"admin:distribution_buyerstatement_{name}", args=[statement.pk])
        assert stranger.get(url).status_code == 404
    assert stranger.get(month_url(buyer)).status_code == 404


def test_running_month_is_a_preview_and_cannot_be_issued(buyer: Buyer) -> None:
    finance = client(buyer)

    with time_machine.travel(datetime(2026, 1, 20, tzinfo=UTC), tick=False):
        shown = finance.get(month_url(buyer))
        sent = finance.post(month_url(buyer), {"reason": "now"})

    for answer in (shown, sent):
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "The month has not ended in America/New_York. This is a preview, and not a statement." in text
        assert "Preview: Acme, January 2026" in text
        assert "-$25.00" in text
        assert 'value="Issue"' not in text
    assert not BuyerStatement.objects.exists()


def test_ended_month_is_issued_by_hand_once(buyer: Buyer) -> None:
    finance, url = client(buyer), month_url(buyer, "2026-01")

    with time_machine.travel(NOW, tick=False):
        assert 'value="Issue"' in finance.get(url).content.decode()
        refused = finance.post(url, {"reason": ""})
        answers = [finance.post(url, {"reason": "asked"}, follow=True) for _ in range(2)]

    assert refused.status_code == 400
    statement = BuyerStatement.objects.get()
    page = reverse("admin:distribution_buyerstatement_change", args=[statement.pk])
    assert [answer.redirect_chain[-1][0] for answer in answers] == [page, page]
    assert (statement.month, statement.issued_at, statement.closing_cents) == (JANUARY, NOW, -2_500)
    assert AuditEntry.objects.get(action="statement").reason == "asked"


def test_operator_sees_and_does_not_issue(buyer: Buyer) -> None:
    operator, url = client(buyer, "operator"), month_url(buyer, "2026-01")

    with time_machine.travel(NOW, tick=False):
        shown = operator.get(url).content.decode()
        operator.post(url, {"reason": "asked"})

    assert "Preview: Acme, January 2026" in shown
    assert 'value="Issue"' not in shown
    assert not BuyerStatement.objects.exists()


@pytest.mark.parametrize("month", ["2026-03", "2026-13", "x", "1999-12", ""])
def test_month_that_cannot_be_shown_is_not_found(buyer: Buyer, month: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert client(buyer).get(f"{month_url(buyer)}?month={month}").status_code == 404


def test_pdf_that_is_off_says_what_to_install(buyer: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: BuyerStatement) -> bytes:
        raise PdfUnavailable

    monkeypatch.setattr(download, "write_pdf", fail)
    url = reverse("admin:distribution_buyerstatement_pdf", args=[issue(buyer).pk])

    answer = client(buyer).get(url)

    assert (answer.status_code, answer.content.decode()) == (503, NO_PANGO)


def test_terms_are_set_with_a_reason_and_start_with_the_month_that_runs() -> None:
    buyer = buyer_on_terms(timezone="Asia/Tokyo", terms={"terms_days": None, "statements_from": None})
    wallet = Wallet.objects.get(buyer=buyer)
    finance, url = client(buyer), reverse("admin:distribution_wallet_change", args=[wallet.pk])
    form = {
        "credit_limit_cents": "500000.00",
        "notice_below_cents": "",
        "terms_days": "14",
        "statement_emails": "pay@example.com, boss@example.com",
        REASON: "new deal",
    }

    with time_machine.travel(datetime(2026, 1, 31, 20, tzinfo=UTC), tick=False):  # February in Tokyo
        wrong = finance.post(url, {**form, "statement_emails": "pay@example.com, boss"})
        saved = finance.post(url, form)

    assert "boss is not an email address." in wrong.content.decode()
    assert saved.status_code == 302
    wallet.refresh_from_db()
    assert (wallet.terms_days, wallet.statements_from) == (14, date(2026, 2, 1))
    assert wallet.statement_emails == "pay@example.com, boss@example.com"
    entries = AuditEntry.objects.filter(action__in=["terms", "statement emails"])
    assert sorted((each.action, each.reason) for each in entries) == [
        ("statement emails", "new deal"),
        ("terms", "new deal"),
    ]
    assert entries.get(action="statement emails").after == {"statement_emails": "changed"}
