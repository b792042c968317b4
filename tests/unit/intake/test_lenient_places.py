"""ZIP codes, states and phone numbers of a lead that is read leniently."""

from typing import Any

import pytest

from tests.support.lenient import MINIMAL, corrections_of, parse, refuse


def test_wrong_state_error_names_every_state_of_the_zip() -> None:
    [correction] = parse({**MINIMAL, "zip": "42223", "state": "GA"}).corrections
    assert correction.message == "does not match the ZIP code, which is in KY and TN: read as KY"


@pytest.mark.parametrize(
    ("zip_code", "state", "read"),
    [
        (30312, None, "30312"),
        (30312.0, None, "30312"),
        (2139, None, "02139"),
        (501, None, "00501"),
        ("'30312", None, "30312"),
        ("30312.0", None, "30312"),
        ("30312-", None, "30312"),
        ("Atlanta, GA 30312", None, "30312"),
        ("2139", None, "02139"),
        ("'2139", None, "02139"),
        ("3031", "NH", "03031"),
        ("3031", "New Hampshire", "03031"),
        (["30312"], None, "30312"),
    ],
)
def test_zip_that_a_spreadsheet_or_script_changed_is_read(zip_code: Any, state: Any, read: str) -> None:
    lead = parse({**MINIMAL, "zip": zip_code, "state": state})
    assert lead.zip == read
    assert ("zip", "corrected") in [(each.field, each.code) for each in lead.corrections]


@pytest.mark.parametrize(
    ("zip_code", "state"), [("3031", None), ("3031", "GA"), ("7001", None), ("30", "GA")]
)
def test_zip_that_may_lack_its_last_digit_is_refused(zip_code: str, state: str | None) -> None:
    """3031 may be 03031 in New Hampshire, or 30312 in Georgia with a digit missing."""
    assert refuse({**MINIMAL, "zip": zip_code, "state": state}) == {"zip": ["invalid"]}


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"state": "Georgia"}, "GA"),
        ({"state": "georgia "}, "GA"),
        ({"state": "GA - Georgia"}, "GA"),
        ({"state": "n/a"}, "GA"),
        ({"state": "CA"}, "GA"),
        ({"state": "Bavaria"}, "GA"),
        ({"zip": "97635", "state": "OR"}, "OR"),
    ],
)
def test_state_never_costs_the_lead(fields: dict[str, Any], state: str) -> None:
    assert parse({**MINIMAL, **fields}).state == state


@pytest.mark.parametrize(
    ("zip_code", "state", "read", "county"),
    [
        ("42223", "TN", "TN", "Montgomery County"),
        ("42223", "Kentucky", "KY", "Christian County"),
        ("42223", "GA", "KY", "Christian County"),
        # The data has this one only in Oregon.
        ("97635", "CA", "OR", "Modoc County"),
    ],
)
def test_zip_that_crosses_a_border_keeps_the_leads_state(
    zip_code: str, state: str, read: str, county: str
) -> None:
    lead = parse({**MINIMAL, "zip": zip_code, "state": state})
    assert (lead.zip, lead.state, lead.county) == (zip_code, read, county)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (4048812345, "+14048812345"),
        (14048812345, "+14048812345"),
        (4048812345.0, "+14048812345"),
        ("4048812345.0", "+14048812345"),
        ("4.048812345E+09", "+14048812345"),
        ("'4048812345", "+14048812345"),
        ("p:+14048812345", "+14048812345"),
        ("447400123456", "+447400123456"),
        (["", "404-881-2345"], "+14048812345"),
    ],
)
def test_phone_that_a_spreadsheet_or_script_changed_is_read(value: Any, number: str) -> None:
    assert parse({**MINIMAL, "phone": value}).phone == number


def test_phone_that_a_spreadsheet_cut_is_left_out() -> None:
    lead = parse({**MINIMAL, "phone": "4.05E+09"})
    assert (lead.phone, corrections_of(lead)) == (None, [("phone", "dropped", "4.05E+09")])


def test_extension_is_stored_apart_from_the_number() -> None:
    lead = parse({**MINIMAL, "phone": "404-881-2345 ext. 104"})
    assert (lead.phone, lead.phone_extension, lead.corrections) == ("+14048812345", "104", ())
    assert parse({**MINIMAL, "phone": "404-881-2345", "phone_extension": 7}).phone_extension == "7"
    assert parse({**MINIMAL, "phone_extension": "7"}).phone_extension is None


@pytest.mark.parametrize("code", ["K1A 0B1", "k1a0b1", "K1A-0B1"])
def test_canadian_postal_code_implies_the_country(code: str) -> None:
    lead = parse({**MINIMAL, "zip": code, "state": "Ontario"})
    assert (lead.country, lead.zip, lead.state) == ("CA", "K1A 0B1", "ON")
    assert [(each.field, each.code) for each in lead.corrections] == [("country", "assumed")]


def test_zip_of_a_territory_is_corrected_once() -> None:
    lead = parse({**MINIMAL, "country": "GU", "zip": 96910})
    assert (lead.country, lead.state, lead.zip) == ("US", "GU", "96910")
    assert corrections_of(lead) == [("zip", "corrected", 96910)]
