"""Single fields of a lead: one form for many spellings, and refusals that say how to fix the value."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.values.normalize import (
    FieldError,
    normalize_block,
    normalize_country,
    normalize_email,
    normalize_name,
    normalize_phone,
    normalize_state,
    normalize_text,
    normalize_vertical,
    normalize_zip,
)

Normalize = Callable[[object], str | None]
ALL: list[Normalize] = [
    normalize_name,
    normalize_email,
    normalize_phone,
    normalize_zip,
    normalize_state,
    normalize_country,
    normalize_vertical,
]


@pytest.mark.parametrize("normalize", ALL)
@pytest.mark.parametrize("blank", [None, "", "  ", "\t\n", "\u200b", "\x00"])
def test_blank_is_none(normalize: Normalize, blank: object) -> None:
    assert normalize(blank) is None


@pytest.mark.parametrize("normalize", ALL)
@pytest.mark.parametrize("value", [1, 1.5, True, ["x"], {"a": 1}, b"x"])
def test_only_text_is_accepted(normalize: Normalize, value: object) -> None:
    with pytest.raises(FieldError) as caught:
        normalize(value)
    assert (caught.value.code, caught.value.message) == ("invalid_type", "must be text: put it in quotes")


@pytest.mark.parametrize("normalize", ALL)
@settings(deadline=None)
@given(value=st.text() | st.emails())
def test_any_text_gives_a_stable_value_or_a_field_error(normalize: Normalize, value: str) -> None:
    try:
        result = normalize(value)
    except FieldError as error:
        assert len(value) < 6 or value not in error.message  # noqa: PT017
        return
    assert result is None or normalize(result) == result
    assert result is None or (result == result.strip() and "\x00" not in result)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  John\t \n Smith ", "John Smith"),
        ("Jose\u0301", "José"),
        ("e\u200b\u0301", "é"),
        ("Ann\x00\x07\x7fa", "Anna"),
        ("\u202eevil\u202c", "evil"),
        ("\u06cc\u200c\u062e", "\u06cc\u200c\u062e"),
        ("李 小龍", "李 小龍"),
        ("x" * 100, "x" * 100),
    ],
)
def test_name_is_normalized(value: str, expected: str) -> None:
    assert normalize_name(value) == expected


def test_too_long_text_is_refused_not_cut() -> None:
    with pytest.raises(FieldError) as caught:
        normalize_name("x" * 101)
    assert (caught.value.code, caught.value.message) == (
        "too_long",
        "is longer than 100 characters: shorten it",
    )


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(FieldError) as caught:
        normalize_text("\ud83d", max_length=10)
    assert caught.value.code == "invalid_characters"


def test_block_keeps_its_lines() -> None:
    assert normalize_block(" I agree\r\n  to\x00 this\r", max_length=40) == "I agree\n  to this"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("404-881-2345", "+14048812345"),
        ("(404) 881 2345", "+14048812345"),
        ("+1 404.881.2345", "+14048812345"),
        ("1 404 881 2345 ext. 5", "+14048812345"),
        ("1-800-FLOWERS", "+18003569377"),
        ("+44 20 7946 0958", "+442079460958"),
        ("tel:+1-404-881-2345", "+14048812345"),
        ("\uff14\uff10\uff14 881 2345", "+14048812345"),
    ],
)
def test_phone_is_normalized(value: str, expected: str) -> None:
    assert normalize_phone(value) == expected


def test_phone_is_read_in_its_country() -> None:
    assert normalize_phone("020 7946 0958", region="GB") == "+442079460958"


@pytest.mark.parametrize("value", ["abc", "123", "555-555-5555", "999 999 9999", "4" * 30, "+1", "881-2345"])
def test_invalid_phone_is_refused(value: str) -> None:
    with pytest.raises(FieldError) as caught:
        normalize_phone(value)
    assert caught.value.code == "invalid"
    assert "+1" in caught.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" Foo.Bar+tag@Example.COM ", "foo.bar+tag@example.com"),
        ("o'neil@sub.example.co.uk", "o'neil@sub.example.co.uk"),
        ("x@Bücher.DE", "x@bücher.de"),
        ("x@xn--bcher-kva.de", "x@bücher.de"),
        ("x@हिन्दी.भारत", "x@हिन्दी.भारत"),
        ("x@example.xn--p1ai", "x@example.рф"),
    ],
)
def test_email_is_normalized(value: str, expected: str) -> None:
    assert normalize_email(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "@example.com",
        "a@",
        "a@b",
        "a b@example.com",
        "a@@example.com",
        ".a@example.com",
        "a..b@example.com",
        "a@-example.com",
        "a@example-.com",
        "a@example..com",
        "a@example.com.",
        "a@1.2.3.4",
        "a@[1.2.3.4]",
        "a@exa_mple.com",
        "a@x\u3002com",
        "jos\u00e9@example.com",
        "Bob <a@example.com>",
        "a@example.com,b@example.com",
        "x" * 65 + "@example.com",
        "a@" + "x" * 64 + ".com",
    ],
)
def test_invalid_email_is_refused(value: str) -> None:
    with pytest.raises(FieldError) as caught:
        normalize_email(value)
    assert caught.value.code == "invalid"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("02134", "02134"), (" 30312-1234 ", "30312"), ("303121234", "30312"), ("30312 1234", "30312")],
)
def test_zip_is_normalized(value: str, expected: str) -> None:
    assert normalize_zip(value) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("3031", "invalid"),
        ("2134", "invalid"),
        ("30312-12", "invalid"),
        ("\uff13\uff10\uff13\uff11\uff12", "invalid"),
        ("abcde", "invalid"),
        ("00012", "unknown"),
        ("00000", "unknown"),
    ],
)
def test_invalid_zip_is_refused(value: str, code: str) -> None:
    with pytest.raises(FieldError) as caught:
        normalize_zip(value)
    assert caught.value.code == code


def test_other_countries_have_other_codes() -> None:
    assert normalize_zip("sw1a 1aa", country="GB") == "SW1A 1AA"
    assert normalize_state("bavaria", country="DE") == "BAVARIA"


def test_states_and_countries_are_normalized() -> None:
    assert normalize_state(" ga ") == "GA"
    assert [normalize_country(value) for value in ("us", "USA", "united  states", "ca", "UK")] == [
        "US",
        "US",
        "US",
        "CA",
        "GB",
    ]
    for normalize in (normalize_state, normalize_country):
        with pytest.raises(FieldError) as caught:
            normalize("Georgia!")
        assert caught.value.code == "unknown"


@pytest.mark.parametrize(
    ("value", "expected"), [("Home Solar", "home_solar"), (" roof - repair ", "roof_repair"), ("a_1", "a_1")]
)
def test_vertical_is_normalized(value: str, expected: str) -> None:
    assert normalize_vertical(value) == expected


@pytest.mark.parametrize("value", ["x" * 51, "solar!", "naïve", "a/b"])
def test_invalid_vertical_is_refused(value: str) -> None:
    with pytest.raises(FieldError) as caught:
        normalize_vertical(value)
    assert caught.value.code == "invalid"


def test_normal_form_is_kept_after_removal() -> None:
    assert unicodedata.is_normalized("NFC", normalize_name("A\u200b\u030a") or "")
