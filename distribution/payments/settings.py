"""Changes the settings of automatic recharge: for a buyer by API, for an operator in the admin. Each is audited."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import salted_hmac

from distribution.locks import wait_for_wallet
from distribution.models import Buyer, PauseReason, Recharge, Wallet
from distribution.payments.buying import PaymentRefused
from distribution.payments.pausing import find_card, pause, resume
from tracing import audit

AMOUNTS: Final = (
    *("threshold_cents", "amount_cents"),
    *("day_limit_cents", "week_limit_cents", "month_limit_cents"),
)
FIELDS: Final = ("is_on", *AMOUNTS, "max_tries")
VERSION_SALT: Final = "leadswitch.recharge.version"
VERSION_LENGTH: Final = 32
AUDITED: Final = (*FIELDS, "paused_at", "pause_reason")


def find_recharge(buyer: Buyer) -> Recharge | None:
    return Recharge.objects.filter(wallet__buyer=buyer).first()


def read_version(recharge: Recharge | None) -> str:
    """A quoted entity tag of the settings, also if there are none yet. A pause does not change it."""
    values = None if recharge is None else [getattr(recharge, name) for name in FIELDS]
    return f'"{salted_hmac(VERSION_SALT, str(values), algorithm="sha256").hexdigest()[:VERSION_LENGTH]}"'


def change_recharge(
    buyer: Buyer,
    changes: Mapping[str, Any],
    *,
    actor: str,
    at: datetime,
    reason: str = "",
    is_by_buyer: bool = False,
    check_version: Callable[[str], None] | None = None,
) -> Recharge:
    """`changes`: FIELDS, and `is_paused`. Raises PaymentRefused. A change lets a payment be due at once again.

    `check_version`: called with the version that is stored, under the wallet's lock. Nothing is changed if it raises.
    """
    with transaction.atomic():
        wait_for_wallet(buyer.pk)
        wallet = Wallet.objects.get(buyer_id=buyer.pk)
        recharge = Recharge.objects.filter(wallet=wallet).first()
        if check_version is not None:
            check_version(read_version(recharge))
        before = {} if recharge is None else audit.read_state(recharge, fields=list(AUDITED))
        stored = _store(recharge, changes, wallet=wallet, buyer=buyer)
        _switch(stored, changes, is_by_buyer=is_by_buyer, at=at)
        stored.refresh_from_db()
        audit.record(
            actor=actor,
            action="recharge",
            target=wallet,
            workspace_id=buyer.workspace_id,
            reason=reason,
            before=before,
            after=audit.read_state(stored, fields=list(AUDITED)),
        )
    return stored


def _store(
    recharge: Recharge | None, changes: Mapping[str, Any], *, wallet: Wallet, buyer: Buyer
) -> Recharge:
    row = recharge or Recharge(wallet=wallet, workspace_id=buyer.workspace_id)
    for name in FIELDS:
        if name in changes:
            setattr(row, name, changes[name])
    if recharge is None and (missing := [name for name in AMOUNTS if name not in changes]):
        raise PaymentRefused("required", "is required the first time", fields=missing)
    _check(row)
    starts = changes.get("is_on") is True or changes.get("is_paused") is False
    if row.is_on and starts and find_card(wallet) is None:
        raise PaymentRefused("no_card", "There is no card. Add one before you turn this on.")
    row.not_before = None
    row.save()
    return row


def _check(row: Recharge) -> None:
    try:
        row.clean_fields(exclude=["wallet", "workspace"])
    except ValidationError as error:
        name, problems = next(iter(error.message_dict.items()))
        raise PaymentRefused("out_of_range", problems[0], field=name) from None
    smaller = "amount_cents"
    for name in ("day_limit_cents", "week_limit_cents", "month_limit_cents"):
        if getattr(row, name) < getattr(row, smaller):
            raise PaymentRefused("out_of_range", f"must not be below {smaller}", field=name)
        smaller = name


def _switch(row: Recharge, changes: Mapping[str, Any], *, is_by_buyer: bool, at: datetime) -> None:
    is_paused = changes.get("is_paused")
    if is_paused is True:
        pause(row.wallet_id, reason=PauseReason.BY_BUYER if is_by_buyer else PauseReason.BY_HAND, at=at)
    elif is_paused is False and row.paused_at is not None:
        if is_by_buyer and row.pause_reason == PauseReason.BY_HAND:
            raise PaymentRefused("paused_by_agency", "Your agency paused it. Ask your agency to resume it.")
        resume(row.wallet_id)
