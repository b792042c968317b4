"""A statement whose mail failed is mailed again, to the addresses of now, by a person who may issue statements."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from distribution.models import Buyer, BuyerStatement, StatementMail, Wallet
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import BuyerFactory
from tests.support.statements import buyer_on_terms, issue
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

AT = datetime(2026, 2, 2, tzinfo=UTC)


@pytest.fixture
def statement() -> BuyerStatement:
    """Its mail failed."""
    statement = issue(buyer_on_terms(terms={"statement_emails": "old@example.com"}))
    StatementMail.objects.update(
        state="failed", tries=8, next_try_at=None, ended_at=AT, error="no such person"
    )
    return statement


def url_of(statement: BuyerStatement) -> str:
    return reverse("admin:distribution_buyerstatement_mail", args=[statement.pk])


def name_address(statement: BuyerStatement, emails: str) -> None:
    Wallet.objects.filter(pk=statement.wallet_id).update(statement_emails=emails)


def test_failed_mail_is_found_and_sent_again_to_the_address_of_now(statement: BuyerStatement) -> None:
    client = client_of(person("finance", statement.workspace))
    listed = client.get(page(BuyerStatement, "changelist"), {"mail": "failed"})
    assert [row.pk for row in listed.context["cl"].result_list] == [statement.pk]
    assert url_of(statement) in client.get(page(BuyerStatement, "change", statement.pk)).content.decode()
    name_address(statement, "new@example.com")
    answer = client.post(url_of(statement), {"reason": "the address was wrong"}, follow=True)
    assert [str(line) for line in answer.context["messages"]] == [
        "The statement is mailed to new@example.com within minutes."
    ]
    mail = StatementMail.objects.get()
    assert (mail.state, mail.tries, mail.email_to, mail.error) == ("waiting", 0, "new@example.com", "")
    assert AuditEntry.objects.get(action="statement_resent").reason == "the address was wrong"


def test_mail_that_waits_is_not_sent_twice(statement: BuyerStatement) -> None:
    client = client_of(person("finance", statement.workspace))
    for _ in range(2):
        client.post(url_of(statement), {"reason": "again"})
    assert AuditEntry.objects.filter(action="statement_resent").count() == 1
    assert "waiting to be sent already" in client.get(url_of(statement)).content.decode()


def test_statement_without_an_address_is_not_mailed(statement: BuyerStatement) -> None:
    name_address(statement, "")
    client = client_of(person("finance", statement.workspace))
    answer = client.post(url_of(statement), {"reason": "again"})
    assert "The wallet names no address." in answer.content.decode()
    assert StatementMail.objects.get().state == "failed"


def test_only_the_issuers_of_the_workspace_send_again(statement: BuyerStatement) -> None:
    other: Buyer = BuyerFactory()
    viewer, stranger = person("viewer", statement.workspace), person("finance", other.workspace)
    assert client_of(viewer).post(url_of(statement), {"reason": "x"}).status_code == 403
    assert client_of(stranger).post(url_of(statement), {"reason": "x"}).status_code == 404
    assert StatementMail.objects.get().state == "failed"
