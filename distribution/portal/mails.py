"""Mails sign-in links and invitations. No transaction is open while a mail server is asked."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse

from distribution.buyers.portal_links import (
    LINK_MINUTES,
    DueMail,
    claim_due_mail,
    finish_mail,
    remove_old,
)
from distribution.deliveries.mail_settings import find_missing_mail_setting
from distribution.deliveries.mailing import send_message
from distribution.deliveries.payloads.ends import Outcome
from distribution.models import PortalUser
from tracing.wording import count

logger = logging.getLogger(__name__)

MAIL_SECONDS: Final = 20
# Together they stay below the time limit of a task.
MAX_MAILS: Final = 4
SUBJECT: Final = "Your sign-in link for the leads of {buyers}"
LINK_TEXT: Final = """To sign in to the portal of {buyers}, open this page and press Sign in:

{link}

The link works once, for {minutes} minutes. If you did not ask for it, delete this email: nobody can sign in without it.
"""
INVITED_SUBJECT: Final = "{agency} gave you access to the leads of {buyer}"
INVITED_TEXT: Final = """Hello {name},

{agency} gave you access to the portal of {buyer}: its leads, wallet and settings.

To sign in, open this page and enter your address, {email}:

{link}
"""


def can_mail() -> bool:
    """Whether this installation has a mail server, and knows its own address for the links."""
    return not find_missing_mail_setting()


def send_due_mails(*, clock: Callable[[], datetime]) -> int:
    """Send what waits. Returns how many mails were tried. What waits longer is sent by the next run."""
    remove_old(at=clock())
    if not can_mail():
        return 0
    for tried in range(MAX_MAILS):
        mail = claim_due_mail(at=clock())
        if mail is None:
            return tried
        _send(mail, clock=clock)
    return MAX_MAILS


def _send(mail: DueMail, *, clock: Callable[[], datetime]) -> None:
    """An unclear answer counts as sent: a second mail would make the link of the first one useless."""
    judgment = send_message(write_message(mail), seconds=MAIL_SECONDS)
    is_sent = judgment.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)
    if not is_sent:
        logger.warning("portal.mail_not_sent", extra={"cause": judgment.error or judgment.outcome.value})
    finish_mail(mail, is_sent=is_sent, is_refused=judgment.outcome == Outcome.REJECTED, at=clock())


def write_message(mail: DueMail) -> EmailMultiAlternatives:
    if mail.invited is not None:
        subject, text = _write_invitation(mail.invited)
    else:
        link = make_link(mail.token or "")
        buyers = _name_buyers(mail.email)
        subject = SUBJECT.format(buyers=buyers)
        text = LINK_TEXT.format(link=link, minutes=LINK_MINUTES, buyers=buyers)
    return EmailMultiAlternatives(
        subject, text, to=[mail.email], headers={"Auto-Submitted": "auto-generated"}
    )


def _name_buyers(email: str) -> str:
    """Those that the address has access to. The subject of a mail is one line."""
    users = PortalUser.objects.filter(email=email).select_related("buyer").order_by("buyer__name", "pk")
    first, *others = [" ".join(user.buyer.name.split()) for user in users] or ["your company"]
    return f"{first} and {count(len(others), 'other buyer', 'other buyers')}" if others else first


def _write_invitation(user: PortalUser) -> tuple[str, str]:
    buyer, agency = user.buyer.name, user.buyer.workspace.name
    link = f"{settings.LEADSWITCH_BASE_URL}{reverse('portal-sign-in')}"
    text = INVITED_TEXT.format(name=user.name, agency=agency, buyer=buyer, email=user.email, link=link)
    return " ".join(INVITED_SUBJECT.format(agency=agency, buyer=buyer).split()), text


def make_link(token: str) -> str:
    return f"{settings.LEADSWITCH_BASE_URL}{reverse('portal-enter', args=[token])}"
