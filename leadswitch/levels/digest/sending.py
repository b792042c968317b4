"""Sends the digest once a day to each recipient.

A process claims a mail in PostgreSQL, commits, sends, and marks it as sent. A claim of a killed process ends after
CLAIM_MINUTES. The next run of beat tries a failed mail again, up to MAX_TRIES times a day.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
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
# Two hours of runs of beat.
MAX_TRIES: Final = 24
RETENTION: Final = timedelta(days=35)
CLAIM: Final = """
INSERT INTO leadswitch_digestmail AS mail (date, recipient, claimed_at, tries, cause)
VALUES (%(date)s, %(recipient)s, clock_timestamp(), 1, '')
ON CONFLICT (date, recipient) DO UPDATE SET claimed_at = clock_timestamp(), tries = mail.tries + 1, cause = ''
WHERE mail.sent_at IS NULL AND mail.tries < %(tries)s
    AND (mail.claimed_at IS NULL OR mail.claimed_at < clock_timestamp() - make_interval(mins => %(minutes)s))
RETURNING mail.tries
"""


def is_due(at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(settings.LEADSWITCH_DIGEST_TIMEZONE))
    return local.time() >= settings.LEADSWITCH_DIGEST_TIME


def send_digest(*, at: datetime) -> Sequence[str]:
    """Send the digest of the day to those recipients who have not received it. Returns to whom it could not be sent.

    At any time of day: see `is_due`. Skips the mails that another process is sending.
    """
    recipients = list_unsent(find_date(at))
    failed: list[str] = []
    if recipients:
        # Before the first claim: an error while it is read leaves nothing claimed.
        digest = read_digest(at=at)
        for recipient in recipients:
            tries = claim(digest.date, recipient)
            if tries is not None and not _send_claimed(digest, recipient, tries=tries):
                failed.append(recipient)
    forget_old(find_date(at))
    return failed


def claim(day: date, recipient: str) -> int | None:
    """Return how many times the mail was tried, including this one.

    None: it was sent, another process is sending it, or it was tried MAX_TRIES times.
    """
    rows = fetch_rows(
        CLAIM, {"date": day, "recipient": recipient, "minutes": CLAIM_MINUTES, "tries": MAX_TRIES}
    )
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


def list_unsent(day: date) -> Sequence[str]:
    done = DigestMail.objects.filter(Q(sent_at__isnull=False) | Q(tries__gte=MAX_TRIES), date=day)
    excluded = set(done.values_list("recipient", flat=True))
    return [each for each in settings.LEADSWITCH_DIGEST_RECIPIENTS if each not in excluded]


def forget_old(day: date) -> None:
    DigestMail.objects.filter(date__lt=day - RETENTION).delete()


def _send_claimed(digest: Digest, recipient: str, *, tries: int) -> bool:
    mail = DigestMail.objects.filter(date=digest.date, recipient=recipient, tries=tries)
    try:
        send(digest, recipient)
    except (NoMailServer, SMTPException, OSError, ValueError) as error:  # ValueError: a header or an address
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
