"""Tells the agency that an endpoint was disabled: a log line, and a mail if a mail server and recipients are set."""

import logging
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import send_mail

from distribution.models import DisabledReason, Endpoint

logger = logging.getLogger(__name__)

SUBJECT: Final = "LeadSwitch disabled an endpoint of {buyer}"
BODY: Final = """{name} of {buyer} in {workspace} gets no more messages: {why}.

Messages that wait are sent once it is enabled again. Ask its owner what changed, correct the endpoint, and press
Enable on its page: {page}
"""


def tell_disabled(endpoint: Endpoint) -> None:
    """Call it after the commit. A mail that cannot be sent is logged: the page and the alert say the same."""
    logger.error(
        "deliveries.endpoint_disabled", extra={"endpoint": endpoint.pk, "reason": endpoint.disabled_reason}
    )
    if not (settings.EMAIL_HOST and settings.LEADSWITCH_DIGEST_RECIPIENTS):
        return
    body = BODY.format(
        name=endpoint.name,
        buyer=endpoint.owner_name,
        workspace=endpoint.workspace.name,
        why=DisabledReason(endpoint.disabled_reason).label,
        page=f"{settings.LEADSWITCH_BASE_URL}/admin/distribution/endpoint/{endpoint.pk}/change/",
    )
    try:
        send_mail(
            SUBJECT.format(buyer=endpoint.owner_name), body, None, list(settings.LEADSWITCH_DIGEST_RECIPIENTS)
        )
    except (SMTPException, OSError) as error:
        logger.warning("deliveries.notice_not_sent", extra={"cause": type(error).__name__})
