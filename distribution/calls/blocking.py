"""Phones that a workspace never calls. A phone is typed, normalized and hashed with the key of leads, never stored."""

from django.db import transaction

from distribution.models import BlockedPhone
from routing.intake.identity import identify
from routing.models import Workspace
from routing.values.normalize import FieldError, normalize_phone
from tracing import audit


class PhoneRefused(ValueError):
    """The text is no phone number. The message says what to type."""


def hash_typed_phone(text: str) -> str:
    """The hash that the leads of this phone have. Raises PhoneRefused."""
    try:
        phone = normalize_phone(text)
    except FieldError as error:
        raise PhoneRefused(error.message) from None
    hashed = identify(email=None, phone=phone).phone_hash
    if hashed is None:
        raise PhoneRefused("Enter a phone number.")
    return hashed


def block_phone(text: str, *, workspace: Workspace, actor: str, reason: str) -> tuple[BlockedPhone, bool]:
    """Idempotent: a phone that is blocked keeps its first reason. Returns the row and whether it is new.

    Raises PhoneRefused.
    """
    phone_hash = hash_typed_phone(text)
    with transaction.atomic():
        row, is_new = BlockedPhone.objects.get_or_create(
            workspace=workspace, phone_hash=phone_hash, defaults={"reason": reason, "actor": actor}
        )
        if is_new:
            audit.record(actor=actor, action="blocked", target=row, workspace_id=workspace.pk, reason=reason)
    return row, is_new
