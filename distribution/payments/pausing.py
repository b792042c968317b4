"""Pauses and resumes automatic recharge. Every function needs the wallet's lock (locks.py)."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db.models import Q

from distribution.models import Card, PauseReason, Recharge, RechargeNotice, Wallet
from distribution.payments.locks import read_recharge
from routing.dispatch.enqueue import after_commit

logger = logging.getLogger(__name__)

# After a declined payment, if more tries are allowed.
NEXT_TRY_AFTER: Final = timedelta(hours=1)
# These never pass on a later try with the same card.
FINAL_CODES: Final = frozenset(
    {
        *("expired_card", "lost_card", "stolen_card", "pickup_card", "incorrect_number", "invalid_account"),
        *("card_not_supported", "restricted_card", "fraudulent", "revocation_of_authorization"),
    }
)
# A person chose these. The agency's is first: it replaces the buyer's.
CHOSEN: Final = (PauseReason.BY_HAND, PauseReason.BY_BUYER)
# A payment that succeeds, or another card, shows that these are over.
OVER_WITH_SUCCESS: Final = (
    *(PauseReason.DECLINED, PauseReason.NEEDS_ACTION, PauseReason.NO_CARD),
    *(PauseReason.REFUSED, PauseReason.NO_ANSWER),
)


def pause(wallet_id: int, *, reason: PauseReason, at: datetime) -> bool:
    """Returns False if it is off or paused already. A trigger tells the subscribers, and a mail tells the buyer.

    An agency's pause replaces a buyer's pause. Both replace a pause that a successful payment would end.
    """
    weaker = Q(paused_at__isnull=True)
    if reason in CHOSEN:
        weaker |= ~Q(pause_reason__in=CHOSEN[: CHOSEN.index(reason) + 1])
    active = Recharge.objects.filter(weaker, wallet_id=wallet_id, is_on=True)
    paused = active.update(paused_at=at, pause_reason=reason)
    if not paused:
        return False
    after_commit(partial(_report, wallet_id, reason))
    if reason not in CHOSEN:
        _write_notice(wallet_id, reason=reason, at=at)
    return True


def _report(wallet_id: int, reason: PauseReason) -> None:
    logger.warning("payments.recharge_paused", extra={"wallet": wallet_id, "reason": reason.value})


def _write_notice(wallet_id: int, *, reason: PauseReason, at: datetime) -> None:
    """A mail that becomes due with the pause. A pause at the same moment as an earlier one is mailed once."""
    recharge_id, workspace_id = Recharge.objects.values_list("pk", "workspace_id").get(wallet_id=wallet_id)
    notice = RechargeNotice(
        recharge_id=recharge_id,
        workspace_id=workspace_id,
        paused_at=at,
        pause_reason=reason,
        next_try_at=at,
    )
    RechargeNotice.objects.bulk_create([notice], ignore_conflicts=True)


def resume(wallet_id: int) -> None:
    """As if nothing had been declined."""
    Recharge.objects.filter(wallet_id=wallet_id).update(
        paused_at=None, pause_reason="", declines=0, not_before=None
    )


def note_decline(wallet_id: int, *, code: str, at: datetime) -> None:
    recharge = read_recharge(wallet_id)
    if recharge is None:
        return
    recharge.declines += 1
    recharge.not_before = at + NEXT_TRY_AFTER
    recharge.save(update_fields=["declines", "not_before"])
    if recharge.declines >= recharge.max_tries or code in FINAL_CODES:
        pause(wallet_id, reason=PauseReason.DECLINED, at=at)


def note_success(wallet_id: int) -> None:
    recharge = read_recharge(wallet_id)
    if recharge is None:
        return
    if recharge.pause_reason in OVER_WITH_SUCCESS:
        resume(wallet_id)
    elif recharge.declines:
        Recharge.objects.filter(pk=recharge.pk).update(declines=0)


def find_card(wallet: Wallet) -> Card | None:
    """The buyer's current card."""
    return (
        Card.objects.select_related("customer")
        .filter(buyer_id=wallet.buyer_id, removed_at__isnull=True)
        .first()
    )
