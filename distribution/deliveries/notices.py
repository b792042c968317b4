"""Tells the agency that an endpoint was disabled: a log line, and a mail if a mail server and recipients are set."""

import logging
import threading
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import send_mail

from distribution.models import DisabledReason, Endpoint

logger = logging.getLogger(__name__)

SUBJECT: Final = "LeadSwitch disabled an endpoint of {buyer}"
BODY: Final = """{name} of {buyer} in {workspace} gets no more messages: {why}.

Sold leads that wait are sent once it is enabled again. Ask the buyer what changed, correct the endpoint, and press
Enable on its page: {page}
"""


def tell_disabled(endpoint: Endpoint) -> None:
    """Call it after the commit. The mail goes out in a thread: the caller writes the results of other buyers.

    A mail that cannot be sent is logged: the page and the alert say the same.
    """
    logger.error(
        "deliveries.endpoint_disabled", extra={"endpoint": endpoint.pk, "reason": endpoint.disabled_reason}
    )
    if not (settings.EMAIL_HOST and settings.LEADSWITCH_DIGEST_RECIPIENTS):
        return
    buyer = endpoint.buyer
    body = BODY.format(
        name=endpoint.name,
        buyer=buyer.name,
        workspace=buyer.workspace.name,
        why=DisabledReason(endpoint.disabled_reason).label,
        page=f"{settings.LEADSWITCH_BASE_URL}/admin/distribution/endpoint/{endpoint.pk}/change/",
    )
    subject = SUBJECT.format(buyer=buyer.name)
    threading.Thread(target=_send, args=(subject, body), name="notice", daemon=True).start()


def _send(subject: str, body: str) -> None:
    try:
        send_mail(subject, body, None, list(settings.LEADSWITCH_DIGEST_RECIPIENTS))
    except (SMTPException, OSError) as error:
        logger.warning("deliveries.notice_not_sent", extra={"cause": type(error).__name__})
