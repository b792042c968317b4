"""Mails a buyer that its automatic recharge is paused, and what to do. Once for each pause, with no data of the card.

A try is committed before it starts, with the time of the next one. It goes to the managers of the buyer's portal; if
there are none, to the buyer's contact. No transaction is open while a mail server is asked.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.urls import reverse

from distribution.deliveries.mail_settings import find_missing_mail_setting
from distribution.deliveries.mailing import send_message
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.models import (
    Buyer,
    PauseReason,
    PortalRole,
    PortalUser,
    RechargeNotice,
    RechargeNoticeState,
)
from tracing.wording import money

logger = logging.getLogger(__name__)

MAX_TRIES: Final = 8
MAIL_SECONDS: Final = 20
# Together they stay below the time limit of a task.
MAX_MAILS: Final = 4
# After the first try. It doubles with each: the last try is about 11 hours after the first.
FIRST_WAIT: Final = timedelta(minutes=5)

CLAIM: Final = """
UPDATE distribution_rechargenotice
SET tries = tries + 1, next_try_at = %(at)s + make_interval(secs => %(wait_s)s * power(2, tries))
WHERE id = (
    SELECT id FROM distribution_rechargenotice
    WHERE state = 'waiting' AND next_try_at <= %(at)s
    ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""

# What happened, and what to do. Reasons that a person chose are not mailed.
WHY: Final[dict[str, tuple[str, str]]] = {
    PauseReason.DECLINED: ("your card was declined", "Add another card, or ask your bank and resume it."),
    PauseReason.NEEDS_ACTION: ("your bank wants you to confirm the payment", "Confirm the payment."),
    PauseReason.NO_CARD: ("there is no card", "Add a card."),
    PauseReason.REFUSED: ("the payment was refused", "Add another card."),
    PauseReason.NO_ANSWER: ("the card provider did not answer", "Resume it."),
    PauseReason.DISPUTED: (
        "a card payment was disputed at the bank",
        "Talk to {agency} before you resume it.",
    ),
}
SUBJECT: Final = "Automatic recharge of {buyer} is paused"
TEXT: Final = """The automatic recharge of {buyer} at {agency} is paused: {why}.

Available now: {available}. When it is used up, you get no more leads.

What to do: {do}

{link}

You get this mail once for each pause.
"""


def send_due_notices(*, clock: Callable[[], datetime]) -> int:
    """Send what waits. Returns how many were tried. Without a mail server they wait."""
    if find_missing_mail_setting():
        return 0
    for tried in range(MAX_MAILS):
        notice = _claim(at=clock())
        if notice is None:
            return tried
        _send(notice, clock=clock)
    return MAX_MAILS


def _claim(*, at: datetime) -> RechargeNotice | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"at": at, "wait_s": FIRST_WAIT.total_seconds()})
        row = cursor.fetchone()
    if row is None:
        return None
    return RechargeNotice.objects.select_related("recharge__wallet__buyer__workspace").get(pk=row[0])


def _send(notice: RechargeNotice, *, clock: Callable[[], datetime]) -> None:
    """An unclear answer counts as sent: a second mail would not tell more."""
    if notice.recharge.paused_at != notice.paused_at:
        _end(notice, RechargeNoticeState.OVER, at=clock())
        return
    addresses = find_addresses(notice.recharge.wallet.buyer)
    if not addresses:
        _end(notice, RechargeNoticeState.FAILED, at=clock(), error="the buyer has no email address")
        return
    judgment = send_message(write_notice(notice, addresses=addresses), seconds=MAIL_SECONDS)
    if judgment.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
        _end(notice, RechargeNoticeState.SENT, at=clock())
    else:
        _note_failure(notice, judgment, at=clock())


def find_addresses(buyer: Buyer) -> list[str]:
    """The managers who can act in the portal, or else the contact."""
    managers = PortalUser.objects.filter(buyer=buyer, role=PortalRole.MANAGER)
    found = list(managers.order_by("pk").values_list("email", flat=True))
    return found or [buyer.contact_email] * bool(buyer.contact_email)


def write_notice(notice: RechargeNotice, *, addresses: list[str]) -> EmailMultiAlternatives:
    wallet = notice.recharge.wallet
    buyer, agency = wallet.buyer.name, wallet.buyer.workspace.name
    why, to_do = WHY[notice.pause_reason]
    text = TEXT.format(
        buyer=buyer,
        agency=agency,
        why=why,
        available=money(wallet.balance_cents - wallet.held_cents + wallet.credit_limit_cents),
        do=to_do.format(agency=agency),
        link=f"{settings.LEADSWITCH_BASE_URL}{reverse('portal-cards')}",
    )
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    message_id = uuid5(NAMESPACE_OID, f"recharge notice {notice.pk}")
    return EmailMultiAlternatives(
        " ".join(SUBJECT.format(buyer=buyer).split()),
        text,
        to=addresses,
        headers={"Auto-Submitted": "auto-generated", "Message-ID": f"<{message_id}@{domain}>"},
    )


def _note_failure(notice: RechargeNotice, judgment: Judgment, *, at: datetime) -> None:
    error = judgment.reason or judgment.error
    logger.warning("payments.notice_not_sent", extra={"cause": judgment.error or judgment.outcome.value})
    if judgment.outcome == Outcome.REJECTED or notice.tries >= MAX_TRIES:
        _end(notice, RechargeNoticeState.FAILED, at=at, error=error)
    else:
        RechargeNotice.objects.filter(pk=notice.pk).update(error=error[:200])


def _end(notice: RechargeNotice, state: RechargeNoticeState, *, at: datetime, error: str = "") -> None:
    RechargeNotice.objects.filter(pk=notice.pk, state=RechargeNoticeState.WAITING).update(
        state=state, next_try_at=None, ended_at=at, error=error[:200]
    )
