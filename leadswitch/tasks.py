"""The Celery tasks of the wiring."""

from datetime import UTC, datetime
from functools import partial

from celery import shared_task

from distribution.buyers.portal_links import MAIL_TASK
from distribution.portal.mails import send_due_mails
from distribution.portal.recharge_notices import send_due_notices
from leadswitch.levels.digest.sending import is_due, send_digest
from routing.queries import read_clock


@shared_task(name="leadswitch.send_digest")
def send_due_digest() -> None:
    """Safe to repeat: each recipient gets the digest once a day."""
    at = read_clock()
    if is_due(at):
        send_digest(at=at)


@shared_task(name=MAIL_TASK)
def mail_portal_links() -> None:
    """Safe to repeat: each mail is claimed by one process."""
    send_due_mails(clock=partial(datetime.now, UTC))


@shared_task(name="leadswitch.mail_recharge_notices")
def mail_recharge_notices() -> None:
    """Safe to repeat: each notice is claimed by one process, and sent once for each pause."""
    send_due_notices(clock=partial(datetime.now, UTC))
