"""Statements by mail: to every address, with the PDF, tried again, and never lost or sent as another message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.models import BuyerStatement, StatementMail
from distribution.reconcile import statements
from distribution.statements import mail
from distribution.statements.mail import MAX_TRIES, send_due
from distribution.statements.pdf import PdfUnavailable
from routing.reconcile import find_reconciler, run_reconciler
from tests.support.factories import CampaignFactory
from tests.support.mail_server import Mailbox
from tests.support.statements import IN_FEBRUARY, buyer_on_terms, charge, issue

pytestmark = pytest.mark.usefixtures("committed_db")

TO = "pay@example.com, boss@example.com"


@pytest.fixture
def statement(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> BuyerStatement:  # noqa: ARG001
    """Of $25.00. Its PDF is three bytes: test_pdf has real ones."""
    monkeypatch.setattr(mail, "write_pdf", lambda _: b"PDF")
    campaign = CampaignFactory(name="Roofing", workspace__name="Northern Leads")
    buyer = buyer_on_terms(workspace=campaign.workspace, name="Acme", terms={"statement_emails": TO})
    charge(buyer, campaign, 2_500, at=datetime(2026, 1, 15, tzinfo=UTC))
    return issue(buyer)


def state() -> tuple[str, int, datetime | None, str]:
    row = StatementMail.objects.get()
    return row.state, row.tries, row.next_try_at, row.error


def test_mail_has_the_sums_and_the_pdf(statement: BuyerStatement, mailbox: Mailbox) -> None:
    assert send_due(at=IN_FEBRUARY, limit=5) == 1
    assert send_due(at=IN_FEBRUARY + timedelta(days=1), limit=5) == 0

    assert mailbox.recipients == ["pay@example.com", "boss@example.com"]
    message = mailbox.mails[0][1]
    assert message["subject"] == "Northern Leads: Statement 1: Acme, January 2026"
    body = message.get_body(("plain",))
    assert body is not None
    lines = body.get_content().splitlines()
    for expected in (
        "Due: $25.00",
        "Pay until: March 3, 2026",
        "Leads (1): -$25.00",
        "Closing balance: -$25.00",
    ):
        assert expected in lines
    [file] = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("statement-1-2026-01.pdf", "application/pdf")
    assert file.get_content() == b"PDF"
    assert state() == ("sent", 1, None, "")
    assert StatementMail.objects.get().ended_at == IN_FEBRUARY
    assert statement.mail.email_to == TO


@pytest.mark.usefixtures("statement")
def test_busy_server_is_tried_again_with_the_same_message(mailbox: Mailbox) -> None:
    mailbox.busy = 1

    assert send_due(at=IN_FEBRUARY, limit=5) == 0
    due_at = IN_FEBRUARY + timedelta(minutes=5)
    assert state() == ("waiting", 1, due_at, "smtp_451")
    assert send_due(at=due_at - timedelta(seconds=1), limit=5) == 0
    assert send_due(at=due_at, limit=5) == 1

    assert len(mailbox.offered) == 2
    assert len(set(mailbox.offered)) == 1


@pytest.mark.usefixtures("statement")
def test_refusal_and_the_last_try_end_it(mailbox: Mailbox) -> None:
    mailbox.busy = MAX_TRIES
    at = IN_FEBRUARY
    for _ in range(MAX_TRIES):
        send_due(at=at, limit=1)
        at += timedelta(hours=12)
    assert state() == ("failed", MAX_TRIES, None, "smtp_451")

    StatementMail.objects.update(state="waiting", tries=0, next_try_at=at, ended_at=None)
    mailbox.refused = {"pay@example.com", "boss@example.com"}
    send_due(at=at, limit=1)
    assert state() == ("failed", 1, None, "550 no such person")
    assert mailbox.mails == []


@pytest.mark.usefixtures("statement")
def test_worker_that_dies_while_it_sends_delays_the_mail(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(mail, "send_message", die)
        with pytest.raises(SystemExit):
            send_due(at=IN_FEBRUARY, limit=1)

    assert state() == ("waiting", 1, IN_FEBRUARY + timedelta(minutes=5), "")
    assert send_due(at=IN_FEBRUARY + timedelta(minutes=5), limit=1) == 1
    assert len(mailbox.mails) == 2


@pytest.mark.usefixtures("statement")
def test_without_a_mail_server_it_waits(settings: Any) -> None:
    settings.EMAIL_HOST = ""

    assert send_due(at=IN_FEBRUARY, limit=1) == 0

    assert state() == ("waiting", 0, IN_FEBRUARY, "")


@pytest.mark.usefixtures("statement")
def test_without_pango_it_goes_without_the_pdf(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: BuyerStatement) -> bytes:
        raise PdfUnavailable

    monkeypatch.setattr(mail, "write_pdf", fail)

    assert send_due(at=IN_FEBRUARY, limit=1) == 1

    assert list(mailbox.mails[0][1].iter_attachments()) == []


@pytest.mark.usefixtures("statement")
def test_reconciler_sends_what_is_due(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "read_clock", lambda: IN_FEBRUARY)

    run_reconciler(find_reconciler("statements"), fix=False)
    assert mailbox.mails == []
    run_reconciler(find_reconciler("statements"), fix=True)

    assert mailbox.recipients == ["pay@example.com", "boss@example.com"]
