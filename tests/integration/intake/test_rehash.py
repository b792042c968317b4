"""Leads of an earlier version get their current identity, in batches, and the command can be run again."""

import hmac
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django import Settings

from routing.intake.identity import Identity, identify
from routing.intake.rehash import rehash_identities
from routing.models import Lead
from tests.support.factories import LeadFactory, SourceFactory, person

pytestmark = pytest.mark.django_db


def hash_as_before(kind: bytes, value: str) -> str:
    key = str(django_settings.LEADSWITCH_IDENTITY_KEY).encode()
    return hmac.digest(key, kind + b"\x00" + value.encode(), "sha256").hex()


def make_earlier(email: str, phone: str) -> Lead:
    return LeadFactory.create(
        source=SourceFactory.create(),
        email=email,
        phone=phone,
        email_hash=hash_as_before(b"email", email) if email else None,
        phone_hash=hash_as_before(b"phone", phone) if phone else None,
    )


def stored() -> list[tuple[Any, ...]]:
    return list(Lead.objects.order_by("id").values_list("email_hash", "phone_hash"))


def test_only_leads_with_another_identity_are_changed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("jo@müller-dach.example", "+14048812345"),
        ("jo@xn--mller-dach-9db.example", ""),
        ("", "+5491123456789"),
        ("", "+541123456789"),
        ("", "+5215512345678"),
        ("ann@example.com", "+525512345678"),
    ]
    for row in rows:
        make_earlier(*row)
    before = stored()
    call_command("rehash_identities", dry_run=True)
    assert stored() == before
    assert rehash_identities(ids_a_batch=2) == 3
    assert stored() == [identify(email=email, phone=phone) for email, phone in rows]
    assert [one == other for one, other in zip(before, stored(), strict=True)] == [
        False,
        True,
        False,
        True,
        False,
        True,
    ]
    assert rehash_identities() == 0
    assert capsys.readouterr().out == "3 leads would get a new identity\n"


def test_lead_that_changed_since_it_was_read_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lead = make_earlier("jo@müller-dach.example", "")

    def identify_and_change(*, email: str, phone: str) -> Identity:
        Lead.objects.filter(pk=lead.pk).update(email="ann@example.com", email_hash="a" * 64)
        return identify(email=email, phone=phone)

    monkeypatch.setattr("routing.intake.rehash.identify", identify_and_change)
    assert rehash_identities() == 0
    assert stored() == [("a" * 64, None)]


def test_every_lead_is_hashed_with_a_new_key(settings: Settings) -> None:
    rows = [("ann@example.com", "+14048812345"), ("", "+14048812346"), ("", "")]
    for row in rows:
        make_earlier(*row)
    settings.LEADSWITCH_IDENTITY_KEY = "another-key-that-is-long-enough-to-be-accepted"
    assert rehash_identities() == 0
    call_command("rehash_identities", "--all")
    assert stored() == [identify(email=email, phone=phone) for email, phone in rows]
    assert rehash_identities(is_new_key=True) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (person("jo@bücher.example"), person("jo@xn--bcher-kva.example")),
        (person(phone="+5215512345678"), person(phone="+525512345678")),
        (person(phone="+5491123456789"), person(phone="+541123456789")),
    ],
)
def test_one_person_has_one_identity_in_any_spelling(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (one["email_hash"], one["phone_hash"]) == (other["email_hash"], other["phone_hash"])
