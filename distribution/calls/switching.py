"""What an operator switches: an account's token and its stop, a channel's flag and whether it is enabled. Audited.

Triggers tell the dialers. What waited for an account has been due all the time; what waited for a channel is made due.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from distribution.calls.locks import lock_account, lock_channel
from distribution.models import CarrierAccount, Channel
from tracing import audit

BY_HAND: Final = "by_hand"


class SwitchRefused(ValueError):
    """Nothing was changed. The message says why."""


def replace_token(account_id: int, *, token: str, actor: str, reason: str) -> None:
    """The carrier's reports are accepted with both tokens until forget_previous_token. Raises SwitchRefused."""

    def change(row: CarrierAccount) -> Sequence[str]:
        if token == row.auth_token:
            raise SwitchRefused("this is the present token")
        row.previous_token, row.auth_token = row.auth_token, token
        return "previous_token", "auth_token"

    _change_account(account_id, "token_replaced", change, actor=actor, reason=reason)


def forget_previous_token(account_id: int, *, actor: str, reason: str) -> None:
    """Reports signed with it are refused from now on. Raises SwitchRefused."""

    def change(row: CarrierAccount) -> Sequence[str]:
        if not row.previous_token:
            raise SwitchRefused("there is no previous token")
        row.previous_token = None
        return ("previous_token",)

    _change_account(account_id, "token_forgotten", change, actor=actor, reason=reason)


def stop_by_hand(account_id: int, *, at: datetime, actor: str, reason: str) -> None:
    """No call is placed over it until it is started. Calls that are out go on. Raises SwitchRefused."""

    def change(row: CarrierAccount) -> Sequence[str]:
        if row.stopped_at is not None:
            raise SwitchRefused("it is stopped already")
        row.stopped_at, row.stop_code = at, BY_HAND
        return "stopped_at", "stop_code"

    _change_account(account_id, "stopped", change, actor=actor, reason=reason)


def start_by_hand(account_id: int, *, actor: str, reason: str) -> None:
    """It may call at once: a pause that the carrier asked for is over too. Raises SwitchRefused."""

    def change(row: CarrierAccount) -> Sequence[str]:
        if row.stopped_at is None:
            raise SwitchRefused("it is not stopped")
        row.stopped_at, row.stop_code, row.next_dial_at = None, "", None
        return "stopped_at", "stop_code", "next_dial_at"

    _change_account(account_id, "started", change, actor=actor, reason=reason)


def flag_by_hand(channel_id: int, *, at: datetime, actor: str, reason: str) -> None:
    """No call goes out over it until the flag is removed. Raises SwitchRefused."""

    def change(row: Channel) -> Sequence[str]:
        if row.flagged_at is not None:
            raise SwitchRefused("it is flagged already")
        row.flagged_at, row.flag_reason = at, reason[:200]
        return "flagged_at", "flag_reason"

    _change_channel(channel_id, "flagged", change, actor=actor, reason=reason)


def unflag_by_hand(channel_id: int, *, actor: str, reason: str) -> None:
    """Raises SwitchRefused."""

    def change(row: Channel) -> Sequence[str]:
        if row.flagged_at is None:
            raise SwitchRefused("it is not flagged")
        row.flagged_at, row.flag_reason = None, ""
        return "flagged_at", "flag_reason"

    _change_channel(channel_id, "unflagged", change, actor=actor, reason=reason)


def enable_by_hand(channel_id: int, *, actor: str, reason: str) -> None:
    """Raises SwitchRefused."""

    def change(row: Channel) -> Sequence[str]:
        if row.is_enabled:
            raise SwitchRefused("it is enabled already")
        row.is_enabled = True
        return ("is_enabled",)

    _change_channel(channel_id, "enabled", change, actor=actor, reason=reason)


def disable_by_hand(channel_id: int, *, actor: str, reason: str) -> None:
    """Calls that are out go on. Raises SwitchRefused."""

    def change(row: Channel) -> Sequence[str]:
        if not row.is_enabled:
            raise SwitchRefused("it is disabled already")
        row.is_enabled = False
        return ("is_enabled",)

    _change_channel(channel_id, "disabled", change, actor=actor, reason=reason)


def _change_account(
    account_id: int,
    action: str,
    change: Callable[[CarrierAccount], Sequence[str]],
    *,
    actor: str,
    reason: str,
) -> None:
    with transaction.atomic():
        _record(lock_account(account_id), action, change, actor=actor, reason=reason)


def _change_channel(
    channel_id: int, action: str, change: Callable[[Channel], Sequence[str]], *, actor: str, reason: str
) -> None:
    with transaction.atomic():
        _record(lock_channel(channel_id), action, change, actor=actor, reason=reason)


def _record(
    row: Any, action: str, change: Callable[[Any], Sequence[str]], *, actor: str, reason: str
) -> None:
    """`change` returns the names of the columns that it set on the locked row."""
    names = list(change(row))
    before = audit.read_state(row, fields=names)  # as it is stored
    row.save(update_fields=names)
    audit.record(
        actor=actor,
        action=action,
        target=row,
        workspace_id=row.workspace_id,
        reason=reason,
        before=before,
        after=audit.read_state(row, fields=names),
    )
