"""Stops what the carrier refuses: an account, or a number. Needs an open transaction; the calls' locks come before.

A stopped account and a flagged channel place no call until a person starts them again. Their leads wait, or go over
another channel.
"""

import logging
from datetime import datetime
from typing import Final

from django.db.models import Q

from distribution.calls.locks import lock_account, lock_channel
from distribution.models import CarrierAccount
from tracing import audit

logger = logging.getLogger(__name__)

ACTOR: Final = "dialer"
# Why an account is stopped whose carrier gives several calls the same id: nobody can say what became of which.
REPEATED_ID: Final = "repeated_id"


def stop_account(account_id: int, *, code: str, at: datetime) -> bool:
    """False: it is stopped already, with its first reason."""
    account = lock_account(account_id)
    if account.stopped_at is not None:
        return False
    account.stopped_at, account.stop_code = at, code
    account.save(update_fields=["stopped_at", "stop_code"])
    audit.record(
        actor=ACTOR, action="stopped", target=account, workspace_id=account.workspace_id, reason=code
    )
    logger.error("calls.account_stopped", extra={"account": str(account.public_id), "problem": code})
    return True


def flag_channel(channel_id: int, *, code: str, at: datetime) -> bool:
    """False: it is flagged already, with its first reason."""
    channel = lock_channel(channel_id)
    if channel.flagged_at is not None:
        return False
    channel.flagged_at = at
    channel.flag_reason = f"The carrier refused the number (code {code})."
    channel.save(update_fields=["flagged_at", "flag_reason"])
    audit.record(
        actor=ACTOR,
        action="flagged",
        target=channel,
        workspace_id=channel.workspace_id,
        reason=channel.flag_reason,
    )
    logger.error("calls.channel_flagged", extra={"channel": str(channel.public_id), "problem": code})
    return True


def pause_account(account_id: int, *, until: datetime) -> None:
    """No call over it before then."""
    later = Q(next_dial_at__isnull=True) | Q(next_dial_at__lt=until)
    CarrierAccount.objects.filter(later, pk=account_id).update(next_dial_at=until)
