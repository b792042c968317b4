"""Sends the digest once a day to each recipient.

A process claims a mail in PostgreSQL, commits, sends, and marks it as sent. A claim of a killed process ends after
CLAIM_MINUTES, and a failed mail is tried again by the next run of beat, until the day is over.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models.functions import Now

from leadswitch import metrics
from leadswitch.levels.digest.content import Digest, find_date, read_digest
from leadswitch.levels.digest.mail import NoMailServer, send
from leadswitch.levels.rows import fetch_rows
from leadswitch.models import DigestMail
from tracing.wording import count

logger = logging.getLogger(__name__)

# Longer than a task may run.
CLAIM_MINUTES: Final = 10
KEPT: Final = timedelta(days=35)
CLAIM: Final = """
INSERT INTO leadswitch_digestmail AS mail (date, recipient, claimed_at, tries, cause)
VALUES (%(date)s, %(recipient)s, clock_timestamp(), 1, '')
ON CONFLICT (date, recipient) DO UPDATE SET claimed_at = clock_timestamp(), tries = mail.tries + 1
WHERE mail.sent_at IS NULL
    AND (mail.claimed_at IS NULL OR mail.claimed_at < clock_timestamp() - make_interval(mins => %(minutes)s))
RETURNING mail.tries
"""


def is_due(at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(settings.LEADSWITCH_DIGEST_TIMEZONE))
    return local.time() >= settings.LEADSWITCH_DIGEST_TIME


def send_digest(*, at: datetime) -> Sequence[str]:
    """Send the digest of the day to those recipients who have not got it. Returns to whom it could not be sent.

    The clock is not looked at: `is_due`. Another process that sends it at the same time is left to do so.
    """
    digest: Digest | None = None
    failed: list[str] = []
    for recipient in settings.LEADSWITCH_DIGEST_RECIPIENTS:
        tries = claim(find_date(at), recipient)
        if tries is None:
            continue
        digest = digest or read_digest(at=at)
        if not _send_claimed(digest, recipient, tries=tries):
            failed.append(recipient)
    forget_old(find_date(at))
    return failed


def claim(day: date, recipient: str) -> int | None:
    """Return how often the mail has been tried, this time included. None: it was sent, or another process sends it."""
    rows = fetch_rows(CLAIM, {"date": day, "recipient": recipient, "minutes": CLAIM_MINUTES})
    return int(rows[0][0]) if rows else None


def describe_mails(at: datetime) -> str:
    """One line: how many of the recipients have today's digest, and why the others do not."""
    recipients = settings.LEADSWITCH_DIGEST_RECIPIENTS
    if not recipients:
        return "It is mailed to no one: LEADSWITCH_DIGEST_RECIPIENTS is empty."
    mails = DigestMail.objects.filter(date=find_date(at), recipient__in=recipients)
    sent = sum(mail.sent_at is not None for mail in mails)
    text = f"Mailed today to {sent} of {count(len(recipients), 'recipient')}."
    causes = sorted({mail.cause for mail in mails if mail.cause})
    return f"{text} The last try failed: {', '.join(causes)}." if causes else text


def forget_old(day: date) -> None:
    DigestMail.objects.filter(date__lt=day - KEPT).delete()


def _send_claimed(digest: Digest, recipient: str, *, tries: int) -> bool:
    mail = DigestMail.objects.filter(date=digest.date, recipient=recipient, tries=tries)
    try:
        send(digest, recipient)
    except (NoMailServer, SMTPException, OSError) as error:
        cause = name_cause(error)
        mail.update(claimed_at=None, cause=cause)
        metrics.DIGEST_MAILS.labels(result="failed").inc()
        logger.warning("digest.failed", extra={"cause": cause, "tries": tries})
        return False
    DigestMail.objects.filter(date=digest.date, recipient=recipient).update(
        sent_at=Now(), claimed_at=None, cause=""
    )
    metrics.DIGEST_MAILS.labels(result="sent").inc()
    logger.info("digest.sent", extra={"tries": tries})
    return True


def name_cause(error: Exception) -> str:
    """The kind of error and the code of the server, without its text, which may contain an address."""
    codes = []
    if isinstance(error, SMTPResponseException):
        codes = [error.smtp_code]
    elif isinstance(error, SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
    return " ".join([type(error).__name__, *map(str, codes)])
