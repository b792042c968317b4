"""Sends leads by email: one message for a lead, or one a day with a CSV of all leads. No database.

A mail server says more than yes or no: what it refuses before it has the text was not sent; what breaks afterwards is
unknown, because the message may have gone out.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from time import monotonic
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from distribution.deliveries.content import Work
from distribution.deliveries.mail_settings import VARIABLES, find_missing_setting
from distribution.deliveries.outbound.failures import Failed
from distribution.deliveries.payloads.answers import clean_reason
from distribution.deliveries.payloads.daily_csv import write_csv
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.payloads.events import DeliveredEvent, write_notice
from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.mails import TEST_MARK, MailContent, write_mail
from distribution.deliveries.payloads.template import compile_template
from distribution.deliveries.smtp import Deadline, DeadlineBackend
from distribution.deliveries.tried import Texts, Tried
from distribution.deliveries.unsubscribing import make_unsubscribe_link
from distribution.models import Endpoint, Method

logger = logging.getLogger(__name__)

TIMED_OUT: Final = "timed_out"
PERMANENT: Final = 500
CSV_TYPE: Final = "text/csv"


def mail_together(works: Sequence[Work], *, clock: Callable[[], datetime]) -> list[Tried]:
    """One message with all of these leads of one endpoint. Never raises; each lead gets the same result."""
    started = monotonic()
    try:
        message = write_message(works, at=clock())
    except Exception as error:  # noqa: BLE001 - the one place that contains a failure of one message
        logger.error("deliveries.not_prepared", extra={"cause": type(error).__name__})
        judgment, bodies = Judgment(outcome=Outcome.NOT_SENT, error=type(error).__name__), [""] * len(works)
    else:
        judgment = _refuse(works[0].endpoint) or send_message(
            message, seconds=works[0].endpoint.timeout_seconds
        )
        bodies = _list_bodies(works, message)
    took = int((monotonic() - started) * 1000)
    head = "" if judgment.error in VARIABLES else f"To: {works[0].endpoint.email_to}"
    return [
        Tried(work, judgment, took, texts=Texts(request_head=head, request_body=body))
        for work, body in zip(works, bodies, strict=True)
    ]


def _refuse(endpoint: Endpoint) -> Judgment | None:
    missing = find_missing_setting(endpoint)
    return Judgment(outcome=Outcome.NOT_SENT, error=missing) if missing else None


def write_message(works: Sequence[Work], *, at: datetime) -> EmailMultiAlternatives:
    """A repetition has the same Message-ID, so that a mail system can drop it."""
    endpoint = works[0].endpoint
    zone = ZoneInfo(endpoint.timezone)
    if endpoint.method == Method.CSV:
        return _write_daily(works, at=at.astimezone(zone))
    [work] = works
    if work.event is not None:
        return _write_notice(work, work.event, zone=zone)
    assert work.lead is not None  # noqa: S101 - an endpoint gets leads
    content = write_mail(
        work.lead,
        email_format=endpoint.email_format,  # type: ignore[arg-type]  # the column has its choices
        zone=zone,
        vendor_email=_list_addresses(endpoint)[0],
    )
    message = _address(work, content, message_id=work.claimed.message_id)
    if content.html:
        message.attach_alternative(content.html, "text/html")
    return message


def _write_notice(work: Work, event: DeliveredEvent, *, zone: ZoneInfo) -> EmailMultiAlternatives:
    """With the headers that make mail programs show a button to unsubscribe (RFC 8058)."""
    link = make_unsubscribe_link(work.endpoint)
    content = write_notice(event, zone=zone, unsubscribe_link=link)
    message = _address(work, content, message_id=work.claimed.message_id)
    message.extra_headers |= {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return message


def _write_daily(works: Sequence[Work], *, at: datetime) -> EmailMultiAlternatives:
    count = f"{len(works)} lead{'' if len(works) == 1 else 's'}"
    mark = TEST_MARK if any(work.claimed.is_test for work in works) else ""
    content = MailContent(
        subject=f"{mark}{count} of {at:%B} {at.day}, {at.year}", text=f"Attached: {count}, one in each row.\n"
    )
    message = _address(works[0], content, message_id=_identify(works))
    template = works[0].endpoint.template
    compiled = compile_template(template, body_format="form") if template else None
    leads = [
        Facts(lead=work.lead, message_id=str(work.claimed.message_id))
        for work in works
        if work.lead is not None
    ]
    file = write_csv(leads, zone=at.tzinfo or UTC, template=compiled)
    message.attach(f"leads-{at:%Y-%m-%d}.csv", file, CSV_TYPE)
    return message


def _identify(works: Sequence[Work]) -> UUID:
    """By its leads: a CSV that lacks one of them is another message, and must not be dropped as a repetition."""
    return uuid5(NAMESPACE_OID, " ".join(sorted(str(work.claimed.message_id) for work in works)))


def _address(work: Work, content: MailContent, *, message_id: UUID) -> EmailMultiAlternatives:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    return EmailMultiAlternatives(
        content.subject,
        content.text,
        to=_list_addresses(work.endpoint),
        headers={"Message-ID": f"<{message_id}@{domain}>"},
    )


def _list_addresses(endpoint: Endpoint) -> list[str]:
    return [address.strip() for address in endpoint.email_to.split(",") if address.strip()]


def _list_bodies(works: Sequence[Work], message: EmailMultiAlternatives) -> list[str]:
    """What is stored with each lead: its own mail, or the line that says where it went."""
    if len(works) == 1 and works[0].endpoint.method == Method.EMAIL:
        return [str(message.body)]
    return [f"{message.subject}, as a row of the CSV"] * len(works)


def send_message(message: EmailMultiAlternatives, *, seconds: float) -> Judgment:
    """Everything from the lookup of the server to its last answer takes at most `seconds`."""
    with Deadline(seconds) as deadline:
        connection = DeadlineBackend(deadline=deadline)
        try:
            connection.open()
        except (SMTPException, OSError, Failed) as error:
            _close(connection)
            return Judgment(outcome=Outcome.NOT_SENT, error=_name(error, deadline))
        return _send_over(connection, message, deadline=deadline)


def _send_over(connection: EmailBackend, message: EmailMultiAlternatives, *, deadline: Deadline) -> Judgment:
    try:
        message.connection = connection
        message.send()
        return Judgment(outcome=Outcome.ACCEPTED)
    except (SMTPException, OSError) as error:
        if deadline.is_over:
            return Judgment(outcome=Outcome.UNKNOWN, error=_name(error, deadline))
        return judge_failure(error)
    finally:
        _close(connection)


def _name(error: Exception, deadline: Deadline) -> str:
    if deadline.is_over:
        return TIMED_OUT
    return error.failure.value if isinstance(error, Failed) else type(error).__name__


def _close(connection: EmailBackend) -> None:
    """A server that hangs up after the message has said all that counts."""
    try:
        connection.close()
    except (SMTPException, OSError) as error:
        logger.info("deliveries.mail_not_closed", extra={"cause": type(error).__name__})


def judge_failure(error: Exception) -> Judgment:
    """The server refused the sender, the recipients or the text: with 5xx for good, with 4xx for now."""
    if isinstance(error, SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, SMTPSenderRefused | SMTPDataError | SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
    else:
        return Judgment(outcome=Outcome.UNKNOWN, error=type(error).__name__)
    reason = clean_reason(f"{code} {text.decode(errors='replace')}")
    if code >= PERMANENT and not isinstance(error, SMTPSenderRefused):
        return Judgment(outcome=Outcome.REJECTED, reason=reason)
    return Judgment(outcome=Outcome.NOT_SENT, error=f"smtp_{code}")
