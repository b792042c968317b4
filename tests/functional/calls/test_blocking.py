"""Phones that are never called: typed, hashed as the leads' are, and never stored."""

import pytest
from pytest_django import Settings

from distribution.calls.blocking import PhoneRefused, block_phone, hash_typed_phone
from distribution.models import BlockedPhone
from routing.intake.identity import identify
from routing.intake.rehash import rehash_identities
from tests.support.factories import CallFactory, LeadFactory, WorkspaceFactory
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_blocked_phone_has_the_hash_of_the_leads() -> None:
    phone_hash = identify(email=None, phone="+14045550123").phone_hash
    lead = LeadFactory(phone="+14045550123", phone_hash=phone_hash)

    row, is_new = block_phone(
        "(404) 555-0123", workspace=lead.workspace, actor="olga", reason="asked by mail"
    )

    assert is_new
    assert row.phone_hash == lead.phone_hash
    assert (row.reason, row.actor) == ("asked by mail", "olga")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason) == ("blocked", "olga", "asked by mail")
    assert "4045550123" not in str(AuditEntry.objects.values().get())
    assert "4045550123" not in str(BlockedPhone.objects.values().get())


def test_second_block_keeps_the_first_reason() -> None:
    workspace = WorkspaceFactory()
    first, _ = block_phone("404 555 0123", workspace=workspace, actor="olga", reason="one")

    second, is_new = block_phone("+1 404-555-0123", workspace=workspace, actor="omar", reason="two")

    assert (second.pk, is_new, second.reason) == (first.pk, False, "one")
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("text", ["", "  ", "call me", "12", "\x00"])
def test_text_that_is_no_phone_is_refused(text: str) -> None:
    with pytest.raises(PhoneRefused):
        block_phone(text, workspace=WorkspaceFactory(), actor="olga", reason="x")

    assert not BlockedPhone.objects.exists()


def test_phone_is_blocked_in_one_workspace() -> None:
    row, _ = block_phone("404 555 0123", workspace=WorkspaceFactory(), actor="olga", reason="x")

    other, is_new = block_phone("404-555-0123", workspace=WorkspaceFactory(), actor="olga", reason="x")
    assert is_new
    assert (other.phone_hash, other.pk == row.pk) == (row.phone_hash, False)


def test_phone_stays_blocked_when_hashes_get_another_key(settings: Settings) -> None:
    lead = LeadFactory(phone="+14045550123", phone_hash=hash_typed_phone("404 555 0123"))
    row, _ = block_phone("404 555 0123", workspace=lead.workspace, actor="olga", reason="x")
    call = CallFactory(phone_hash=row.phone_hash)

    settings.LEADSWITCH_IDENTITY_KEY = "another-key-of-at-least-thirty-two-characters"
    rehash_identities(is_new_key=True)

    for each in (row, call):
        each.refresh_from_db()
    hashes = {str(row.phone_hash), str(call.phone_hash)}
    assert hashes == {hash_typed_phone("404 555 0123")}
