"""A buyer's reason is kept without what identifies the person."""

import pytest

from distribution.attempts.hide_person import hide_named_person


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("Duplicate in our CRM", "Duplicate in our CRM"),
        ("  two\nlines  ", "two lines"),
        ("already have ADA lovelace", "already have (hidden) (hidden)"),
        ("Adamant, not Ada's", "Adamant, not (hidden)'s"),
        ("ada@example.com bounced", "(hidden) bounced"),
        ("call +1 (500) 555-0006 failed", "call (hidden) failed"),
        ("5005550006 is a landline", "(hidden) is a landline"),
        ("lives at 12 main st.", "lives at (hidden)."),
        ("answered 422", "answered 422"),
    ],
)
def test_reason_without_the_person(text: str, kept: str) -> None:
    assert hide_named_person(text, name="Ada Lovelace", address=" 12 Main St ") == kept


def test_missing_name_and_address_hide_nothing() -> None:
    assert hide_named_person("no such service", name=" ", address="") == "no such service"
