"""Mails statements to the addresses of their buyers, with the PDF if PDFs are on.

A try is committed before it starts, with the time of the next one. So a worker that dies while it sends delays a mail
and does not lose it. A repetition has the same Message-ID, so that a mail system can drop it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection

from distribution.configuration.addresses import list_addresses
from distribution.deliveries.mailing import send_message
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.models import BuyerStatement, StatementMail, StatementMailState
from distribution.statements.document import Document, write_document
from distribution.statements.download import PDF, name_pdf
from distribution.statements.pdf import PdfUnavailable, write_pdf

MAX_TRIES: Final = 8
MAIL_SECONDS: Final = 20
# After the first try. It doubles with each: the last try is about 11 hours after the first.
FIRST_WAIT: Final = timedelta(minutes=5)

CLAIM: Final = """
UPDATE distribution_statementmail
SET tries = tries + 1, next_try_at = %(at)s + make_interval(secs => %(wait_s)s * power(2, tries))
WHERE statement_id = (
    SELECT statement_id FROM distribution_statementmail
    WHERE state = 'waiting' AND next_try_at <= %(at)s
    ORDER BY next_try_at, statement_id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING statement_id
"""


def send_due(*, at: datetime, limit: int) -> int:
    """Try at most `limit` mails. Returns how many were accepted. Without a mail server they wait."""
    if not settings.EMAIL_HOST:
        return 0
    return sum(_send(mail, at=at) for mail in _claim_each(at=at, limit=limit))


def write_mail(statement: BuyerStatement, *, email_to: str) -> EmailMultiAlternatives:
    """Needs the workspace."""
    document = write_document(statement)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    message_id = uuid5(NAMESPACE_OID, f"statement {statement.workspace.slug} {statement.number}")
    message = EmailMultiAlternatives(
        " ".join(f"{statement.workspace_name}: {document.title}".split()),
        "\n".join(_list_lines(document)) + "\n",
        to=list_addresses(email_to),
        headers={"Message-ID": f"<{message_id}@{domain}>"},
    )
    with suppress(PdfUnavailable):  # the text has all sums
        message.attach(name_pdf(statement), write_pdf(statement), PDF)
    return message


def _claim_each(*, at: datetime, limit: int) -> Iterator[StatementMail]:
    for _ in range(limit):
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, {"at": at, "wait_s": FIRST_WAIT.total_seconds()})
            row = cursor.fetchone()
        if row is None:
            return
        yield StatementMail.objects.select_related("statement__workspace").get(pk=row[0])


def _send(mail: StatementMail, *, at: datetime) -> bool:
    judgment = send_message(write_mail(mail.statement, email_to=mail.email_to), seconds=MAIL_SECONDS)
    state = _judge(judgment, tries=mail.tries)
    ends = {} if state == StatementMailState.WAITING else {"next_try_at": None, "ended_at": at}
    StatementMail.objects.filter(pk=mail.pk, state=StatementMailState.WAITING).update(
        state=state, error=(judgment.reason or judgment.error)[:200], **ends
    )
    return state == StatementMailState.SENT


def _judge(judgment: Judgment, *, tries: int) -> StatementMailState:
    if judgment.outcome == Outcome.ACCEPTED:
        return StatementMailState.SENT
    is_over = judgment.outcome == Outcome.REJECTED or tries >= MAX_TRIES
    return StatementMailState.FAILED if is_over else StatementMailState.WAITING


def _list_lines(document: Document) -> Iterator[str]:
    yield document.title
    yield ""
    yield from (f"{label}: {text}" for label, text in document.facts)
    yield ""
    for row in document.summary:
        number = f" ({row.number})" if row.number else ""
        yield f"{row.label}{number}: {row.amount}"
