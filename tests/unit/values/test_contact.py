"""A lead's own contact data is recognized in other values, however it is written."""

from typing import Any

import pytest

from routing.values.contact import Contact, hide_contact, identifies, parse_contact
from routing.values.personal import HIDDEN, is_personal_value

CONTACT = Contact("José", "Nuñez", "xk77@example.com", "+14045550143", "12 Peachtree Street NE")

CONTACT_DATA = (
    "call me \uff14\uff10\uff14 \uff15\uff15\uff15 \uff10\uff11\uff14\uff13",  # full-width digits
    "\u0664\u0660\u0664\u0665\u0665\u0665\u0660\u0661\u0664\u0663",  # Arabic digits
    "wife's phone 4-0-4-5-5-5-0-1-9-9",
    "404 / 555 / 01 / 99",
    "xk77\uff20example.com",
    "xk77 @ example . com",
    "xk77 at example dot com",
    "someone (at) example [dot] org",
    "xk77%40example.com",
    "write to xk77 on the usual site",
    "Jose Nunez",
    "NUÑEZ, JOSÉ",
    "JoséNuñez78",
    "nunezjose",
    "12 Peachtree Str.",
    "corner of 12, Peachtree",
    "4045550143",
    "+44 20 7946 0958",
)
HARMLESS = (
    *("roof", "12 years", "12", "Peachtree", "2026-11-28 12:00", "2026-11-28T12:00:00.123456+00:00", "30312"),
    *("asphalt shingle", "at home", "meet at noon.", "100%", "5.0", "call after 5 pm", ""),
)


@pytest.mark.parametrize("text", CONTACT_DATA)
def test_contact_data_is_recognized_in_any_spelling(text: str) -> None:
    assert identifies(text, CONTACT)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_values_are_not(text: str) -> None:
    assert not identifies(text, CONTACT)
    assert hide_contact("attributes.x", text, CONTACT) == text


@pytest.mark.parametrize(
    "value",
    [
        ["404", "555", "0143"],
        [404, 555, 143, {"more": "0143", "x": ["404", "5550143"]}],
        {"a": {"b": "Nunez Jose"}},
        {"Jose Nunez": 1},
        {"email": "none"},
        {"a": {"first_name": "Bob"}},
        [{"email": "none"}],
        4045550143,
        4045550143.0,
    ],
)
def test_contact_data_is_recognized_at_any_depth(value: Any) -> None:
    assert identifies(value, CONTACT)


@pytest.mark.parametrize("value", [True, None, 12, 0.4045550143, [], {}, {"roof_age": 12}])
def test_flags_and_fractions_are_not(value: Any) -> None:
    assert not identifies(value, CONTACT)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("attributes.who", "Jose Nunez", HIDDEN),
        ("attributes.who", "Nuñez", HIDDEN),
        ("attributes.color", "nunez yellow", "nunez yellow"),
        ("attributes.cb", 4045550143, HIDDEN),
        ("attributes.cb", ["404", "555", "0143"], HIDDEN),
        ("attributes.cb", ["a", "xk77@example.com"], ["a", HIDDEN]),
        ("attributes.at", "12 Peachtree", HIDDEN),
        ("attributes.note", "someone else: 404 555 0199", HIDDEN),
        ("city", "Nuñez", "Nuñez"),
        ("counties", ["Nuñez"], ["Nuñez"]),
    ],
)
def test_trace_has_no_contact_data(field: str, value: object, shown: object) -> None:
    assert hide_contact(field, value, CONTACT) == shown


def test_lead_without_contact_hides_only_what_looks_like_it() -> None:
    unknown = parse_contact("[null, null, null, null, null]")
    assert unknown == Contact()
    assert not identifies("anything", unknown)
    assert identifies("ada@example.com", unknown)


def test_repr_has_no_contact_data() -> None:
    assert repr(CONTACT) == "Contact()"


@pytest.mark.parametrize("text", ["a" * 200_000, "1 " * 100_000, "a@" * 100_000, "at dot " * 30_000])
def test_long_text_takes_no_quadratic_time(text: str) -> None:
    """With unbounded repetitions each of these takes minutes, which the limit of a test's time would end."""
    is_personal_value(text)
