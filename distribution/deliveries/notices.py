"""Tells the agency what a person must act on: a log line, and a mail if a mail server and recipients are set.

An endpoint was disabled, or a buyer's system accepted a lead after its hold was released.
"""

import logging
import threading
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import send_mail

from distribution.models import Delivery, DisabledReason, Endpoint, Purpose

logger = logging.getLogger(__name__)

SUBJECT: Final = "LeadSwitch disabled {what} of {buyer}"
BODY: Final = """{name} of {buyer} in {workspace} gets no more messages: {why}.

Messages that wait are sent once it is enabled again. Ask its owner what changed, correct the address, and press
Enable on its page: {page}
"""
ACCEPTED_LATE_SUBJECT: Final = "LeadSwitch: {buyer} accepted a lead that it does not pay for"
ACCEPTED_LATE_BODY: Final = """{name} of {buyer} in {workspace} accepted a lead after its hold was released.
The buyer was not charged, and the lead may be sold to another buyer.

Look at the answer on the page of the delivery. Assign the lead to the buyer by hand to charge it, or ask the buyer to
drop the lead. Then press Mark as settled: {page}
"""


def tell_disabled(endpoint: Endpoint) -> None:
    """Call it after the commit. The mail goes out in a thread: the caller writes the results of other buyers.

    A mail that cannot be sent is logged: the page and the alert say the same.
    """
    logger.error(
        "deliveries.endpoint_disabled", extra={"endpoint": endpoint.pk, "reason": endpoint.disabled_reason}
    )
    name, what = _name_page(endpoint)
    _send(
        endpoint,
        subject=SUBJECT,
        body=BODY,
        path=f"{name}/{endpoint.pk}",
        what=what,
        why=DisabledReason(endpoint.disabled_reason).label,
    )


def _name_page(endpoint: Endpoint) -> tuple[str, str]:
    """In its address, and in the subject."""
    if endpoint.purpose == Purpose.PING:
        return "pingendpoint", "a ping endpoint"
    return ("subscription", "a subscription") if endpoint.events else ("endpoint", "an endpoint")


def tell_accepted_late(delivery: Delivery) -> None:
    """Call it after the commit."""
    logger.error(
        "deliveries.accepted_after_release",
        extra={"delivery": str(delivery.message_id), "endpoint": delivery.endpoint_id},
    )
    _send(
        delivery.endpoint,
        subject=ACCEPTED_LATE_SUBJECT,
        body=ACCEPTED_LATE_BODY,
        path=f"delivery/{delivery.pk}",
    )


def _send(endpoint: Endpoint, *, subject: str, body: str, path: str, **facts: str) -> None:
    if not (settings.EMAIL_HOST and settings.LEADSWITCH_DIGEST_RECIPIENTS):
        return
    owner = endpoint.owner_name
    text = body.format(
        name=endpoint.name,
        buyer=owner,
        workspace=endpoint.workspace.name,
        page=f"{settings.LEADSWITCH_BASE_URL}/admin/distribution/{path}/change/",
        **facts,
    )
    about = subject.format(buyer=owner, **facts)
    threading.Thread(target=_mail, args=(about, text), name="notice", daemon=True).start()


def _mail(subject: str, text: str) -> None:
    try:
        send_mail(subject, text, None, list(settings.LEADSWITCH_DIGEST_RECIPIENTS))
    except (SMTPException, OSError) as error:
        logger.warning("deliveries.notice_not_sent", extra={"cause": type(error).__name__})
