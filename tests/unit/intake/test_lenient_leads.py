"""A lead read leniently: an unreadable value is left out with a correction, and only a useless lead is refused."""

from typing import Any

import pytest

from routing.intake.corrections import MAX_CORRECTIONS, describe_note, write_notes
from routing.intake.parse import parse_lead
from routing.values.attributes import find_attribute_problems
from routing.values.wide_number import WideNumber
from tests.support.lenient import AT, MINIMAL, corrections_of, parse, refuse


def test_good_lead_has_no_corrections() -> None:
    lead = parse({**MINIMAL, "attributes": {"roof_age": 12}, "phone": "404-881-2345"})
    assert lead.corrections == ()
    assert lead == parse_lead(
        {**MINIMAL, "attributes": {"roof_age": 12}, "phone": "404-881-2345"},
        default_vertical=None,
        at=AT,
        is_lenient=False,
    )


@pytest.mark.parametrize("value", ["n/a", "none", "not-an-email", "a@b", 5, ["x"], {"a": 1}, True])
def test_bad_email_beside_a_good_phone_is_left_out(value: Any) -> None:
    lead = parse({**MINIMAL, "email": value, "phone": "(404) 881-2345"})
    assert (lead.email, lead.phone) == (None, "+14048812345")
    [correction] = lead.corrections
    assert (correction.field, correction.code) == ("email", "dropped")


@pytest.mark.parametrize("value", ["none", "123", "555-555-5555", "999 999 9999", True])
def test_bad_phone_beside_a_good_email_is_left_out(value: Any) -> None:
    lead = parse({**MINIMAL, "phone": value})
    assert (lead.email, lead.phone) == ("a@example.com", None)
    assert corrections_of(lead) == [("phone", "dropped", value)]


@pytest.mark.parametrize(
    ("contact", "errors"),
    [
        ({"email": "n/a", "phone": "none"}, {"email": ["required"]}),
        ({"email": "not-an-email", "phone": "n/a"}, {"email": ["invalid"]}),
        ({"email": "not-an-email", "phone": "123"}, {"email": ["invalid"], "phone": ["invalid"]}),
        ({"email": None}, {"email": ["required"]}),
    ],
)
def test_lead_without_usable_contact_is_refused_with_each_reason(
    contact: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    assert refuse({**MINIMAL, **contact}) == errors


@pytest.mark.parametrize(
    ("payload", "errors"),
    [
        ({"email": "a@example.com", "vertical": "solar"}, {"zip": ["required"]}),
        ({**MINIMAL, "zip": "n/a"}, {"zip": ["required"]}),
        ({**MINIMAL, "zip": "abc"}, {"zip": ["invalid"]}),
        ({**MINIMAL, "vertical": "none"}, {"vertical": ["required"]}),
        ({**MINIMAL, "vertical": "!"}, {"vertical": ["invalid"]}),
        ({**MINIMAL, "country": "Atlantis"}, {"country": ["unknown"]}),
        ({**MINIMAL, "country": "CA", "zip": "30312"}, {"zip": ["invalid"]}),
    ],
)
def test_lead_without_a_place_or_vertical_is_refused(
    payload: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    """An unreadable country is not guessed: 30312 is a postal code in Germany too."""
    assert refuse(payload) == errors


def test_unknown_keys_become_attributes() -> None:
    lead = parse(
        {
            **MINIMAL,
            "utm_source": "google",
            "gclid": "abc",
            "What service?": "roof",
            "roof-age": 12,
            "emial": "x",
            "attributes": {"gclid": "kept", "own_home": True},
        }
    )
    assert lead.attributes == {
        "gclid": "kept",
        "own_home": True,
        "utm_source": "google",
        "gclid_2": "abc",
        "What_service": "roof",
        "roof_age": 12,
        "emial": "x",
    }
    assert {each.code for each in lead.corrections} == {"moved"}
    assert "did you mean email?" in next(each.message for each in lead.corrections if each.field == "emial")
    assert write_notes(lead.corrections) == ["attributes:moved"]


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"Phone Number": "404-881-2345"}, "phone", "+14048812345"),
        ({"firstName": "Ann"}, "first_name", "Ann"),
        ({"your-name": "Dr. Ann Mary Lee Jr."}, "last_name", "Lee Jr."),
        ({"Full Name": "Lee, Ann"}, "first_name", "Ann"),
        ({"first_name": "Ann", "firstname": "Bob"}, "first_name", "Ann"),
    ],
)
def test_field_under_another_name_is_found(fields: dict[str, str], name: str, value: str) -> None:
    lead = parse({**MINIMAL, **fields})
    assert getattr(lead, name) == value


def test_nested_form_fields_are_lifted() -> None:
    fields = {
        "email": {"id": "email", "value": "a@example.com"},
        "zip_code": {"id": "zip_code", "value": "30312"},
        "roof-age": {"id": "roof-age", "value": "12"},
    }
    payload = {"fields": fields, "meta": {"page_url": {"title": "Page URL", "value": "https://example.com"}}}
    lead = parse(payload, default_vertical="solar")
    assert (lead.email, lead.zip) == ("a@example.com", "30312")
    assert lead.attributes == {"roof_age": "12", "page_url": "https://example.com"}


def test_zip_and_email_under_other_names_are_found() -> None:
    lead = parse({"E-Mail": "a@example.com", "postal_code": "30312"}, default_vertical="solar")
    assert (lead.email, lead.zip, lead.attributes) == ("a@example.com", "30312", {})


@pytest.mark.parametrize(
    ("attributes", "stored"),
    [
        ({"What service?": 1, "roof-age": 2}, {"What_service": 1, "roof_age": 2}),
        ({"a b": 1, "a_b": 2, "a-b": 3}, {"a_b": 1, "a_b_2": 2, "a_b_3": 3}),
        ({"größe": 1, "屋": 2, "?": 3}, {"groe": 1, "field": 2, "field_2": 3}),
        ({"a": 2**63}, {"a": str(2**63)}),
        ({"a": 1e22}, {"a": "1e+22"}),
        ({"a": WideNumber("9" * 30)}, {"a": "9" * 30}),
        ({"a": float("nan"), "b": float("-inf")}, {"a": "nan", "b": "-inf"}),
        ({"a": "x" * 1_500}, {"a": "x" * 1_000}),
        ({"a": "x\x00y\ud800"}, {"a": "xy?"}),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, {"a": {"b": {"c": {"d": {"e": '{"f": 1}'}}}}}),
        ({"l": [1] * 1_500}, {"l": [1] * 1_000}),
        ({"a": 10**400}, {"a": "1" + "0" * 400}),
        ("[1]", {"attributes": "[1]"}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1' + "0" * 400 + "}", {"a": "1" + "0" * 400}),
        ([1, 2], {"attributes": [1, 2]}),
    ],
)
def test_attributes_become_storable(attributes: Any, stored: dict[str, Any]) -> None:
    lead = parse({**MINIMAL, "attributes": attributes})
    assert lead.attributes == stored
    assert not list(find_attribute_problems(lead.attributes))
    assert {each.note.partition(":")[0] for each in lead.corrections} <= {"attributes"}


def test_number_of_keys_and_corrections_is_bounded() -> None:
    lead = parse({**MINIMAL, **{f"key-{number}": number for number in range(500)}})
    assert len(lead.attributes) == 100
    assert len(lead.corrections) == MAX_CORRECTIONS


@pytest.mark.parametrize(
    ("given_at", "read"),
    [
        ("2026-01-31", "2026-01-31T05:00:00+00:00"),
        ("2026-01-31 07:30", "2026-01-31T12:30:00+00:00"),
        ("1/31/2026 7:30 PM", "2026-02-01T00:30:00+00:00"),
        ("31.01.2026", "2026-01-31T05:00:00+00:00"),
        (1767225600, "2026-01-01T00:00:00+00:00"),
        ("1767225600000", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_time_without_an_offset_is_read_in_the_zone(given_at: Any, read: str) -> None:
    lead = parse({**MINIMAL, "consent": {"given_at": given_at, "extra": 1}})
    assert lead.consent is not None
    assert lead.consent.given_at is not None
    assert lead.consent.given_at.isoformat() == read
    assert lead.attributes == {"consent_extra": 1}


def test_long_texts_are_cut_and_a_long_id_keeps_its_fingerprint() -> None:
    lead = parse({**MINIMAL, "first_name": "x" * 300, "external_id": "y" * 300, "address": 12})
    other = parse({**MINIMAL, "external_id": "y" * 301})
    assert (lead.first_name, lead.address) == ("x" * 100, "12")
    assert lead.external_id is not None
    assert other.external_id is not None
    assert len(lead.external_id) == len(other.external_id) == 100
    assert lead.external_id != other.external_id
    assert [(each.field, each.code) for each in lead.corrections] == [
        ("first_name", "shortened"),
        ("address", "corrected"),
        ("external_id", "shortened"),
    ]


@pytest.mark.parametrize("value", ["n/a", "none", "NULL", "undefined"])
def test_placeholder_is_no_external_id(value: str) -> None:
    """Otherwise all leads of a form that sends it would be one."""
    assert parse({**MINIMAL, "external_id": value}).external_id is None


def test_vertical_becomes_a_slug() -> None:
    assert parse({**MINIMAL, "vertical": "Solar Panels!"}).vertical == "solar_panels"
    assert parse({**MINIMAL, "vertical": "n/a"}, default_vertical="roofing").vertical == "roofing"


def test_notes_contain_no_sender_input() -> None:
    lead = parse({**MINIMAL, "ann@example.com": "Ann", "phone": "Ann", "attributes": {"Ann Lee": "\x00Ann"}})
    notes = write_notes(lead.corrections)
    assert notes == ["attributes:moved", "attributes:corrected", "phone:dropped"]
    assert describe_note(notes[-1]) == "phone could not be read and was left out"
    assert "Ann" not in repr([notes, lead])


@pytest.mark.parametrize("name", ["attributes", "consent"])
@pytest.mark.parametrize("depth", [201, 930, 950, 970, 990, 60_000])
def test_object_in_a_text_is_not_read_deeper_than_the_stack(name: str, depth: int) -> None:
    text = f'{{"a": {"[" * depth}{"]" * depth}}}'
    lead = parse({**MINIMAL, name: text})
    assert lead.attributes == {name: text[:1_000]}


def test_two_unknown_fields_of_one_name_are_both_kept() -> None:
    lead = parse({**MINIMAL, "color": "red", "fields": {"color": {"value": "blue"}}})
    assert lead.attributes == {"color": "red", "color_2": "blue"}


def test_fields_inside_fields_are_bounded() -> None:
    payload = {f"fields{number}": {"color": {"value": number}} for number in range(20_000)}
    lead = parse({**MINIMAL, **payload})
    assert len(lead.attributes) == 100
    assert len(lead.corrections) == MAX_CORRECTIONS


def test_wide_ids_that_begin_alike_stay_apart() -> None:
    digits = "1" * 60
    ids = {parse({**MINIMAL, "external_id": WideNumber(digits + end)}).external_id for end in "12"}
    assert ids == {digits + "1", digits + "2"}
