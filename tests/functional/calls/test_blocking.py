"""Phones that are never called: typed, hashed as the leads' are, and never stored."""

import pytest
from pytest_django import Settings

from distribution.calls.blocking import PhoneRefused, block_phone, hash_typed_phone
from distribution.models import BlockedPhone, Call
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


@pytest.mark.parametrize("opt_outs", [(True, False), (False, True)])
def test_phone_that_was_blocked_with_both_keys_keeps_one_entry(
    settings: Settings, opt_outs: tuple[bool, bool]
) -> None:
    """It was blocked again after the key had changed, and before the leads' hashes were computed anew."""
    lead = LeadFactory(phone="+14045550123", phone_hash=hash_typed_phone("404 555 0123"))
    row, _ = block_phone("404 555 0123", workspace=lead.workspace, actor="olga", reason="x")
    BlockedPhone.objects.filter(pk=row.pk).update(is_opt_out=opt_outs[0])
    elsewhere, _ = block_phone("404 555 0123", workspace=WorkspaceFactory(), actor="olga", reason="x")
    settings.LEADSWITCH_IDENTITY_KEY = "another-key-of-at-least-thirty-two-characters"
    again, _ = block_phone("404 555 0123", workspace=lead.workspace, actor="olga", reason="x")
    BlockedPhone.objects.filter(pk=again.pk).update(is_opt_out=opt_outs[1])

    rehash_identities(is_new_key=True)

    new = hash_typed_phone("404 555 0123")
    found = BlockedPhone.objects.order_by("pk").values_list("pk", "phone_hash", "is_opt_out")
    assert list(found) == [(elsewhere.pk, new, False), (again.pk, new, True)]


def test_calls_that_are_out_with_both_keys_stay_open(settings: Settings) -> None:
    old = hash_typed_phone("404 555 0123")
    lead = LeadFactory(phone="+14045550123", phone_hash=old)
    settings.LEADSWITCH_IDENTITY_KEY = "another-key-of-at-least-thirty-two-characters"
    calls = [CallFactory(phone_hash=each) for each in (old, hash_typed_phone("404 555 0123"))]

    rehash_identities(is_new_key=True)

    lead.refresh_from_db()
    assert lead.phone_hash == calls[1].phone_hash
    assert [Call.objects.get(pk=call.pk).phone_hash for call in calls] == [old, lead.phone_hash]
