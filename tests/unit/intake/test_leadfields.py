"""A lead at intake: cleaned, completed from its ZIP, or refused with every problem at once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.conditions import validate
from routing.conditions.lead_fields import CONDITION_FIELDS
from routing.intake.condition_fields import condition_fields
from routing.intake.consent import Consent
from routing.intake.parse import CleanLead, LeadInvalid, parse_lead
from routing.places.regions import find_region
from routing.values.attributes import find_attribute_problems
from routing.values.wide_number import WideNumber

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINIMAL = {"email": "a@example.com", "zip": "30312", "vertical": "solar"}


def parse(payload: object, *, default_vertical: str | None = None, is_lenient: bool = False) -> CleanLead:
    """Strict by default. test_lenient_leads.py covers the lenient mode."""
    return parse_lead(payload, default_vertical=default_vertical, at=AT, is_lenient=is_lenient)


def refuse(payload: object) -> dict[str, list[str]]:
    with pytest.raises(LeadInvalid) as caught:
        parse(payload)
    return {path: [error.code for error in errors] for path, errors in caught.value.errors.items()}


def test_full_lead_is_read() -> None:
    lead = parse(
        {
            "first_name": " Ann ",
            "last_name": "O'Neil",
            "email": "Ann@Example.com",
            "phone": "(404) 881-2345",
            "address": "1 Peachtree St",
            "city": "East Point",
            "state": "ga",
            "country": "usa",
            "zip": "30312-1234",
            "vertical": "Home Solar",
            "attributes": {"roof": {"age": 12}, "tags": ["a", None, 2]},
            "consent": {
                "given_at": "2026-06-01T08:00:00-04:00",
                "text": "Yes",
                "ip": "::1",
                "url": "https://x.com/f",
            },
            "external_id": "x-1",
        }
    )
    assert lead == CleanLead(
        first_name="Ann",
        last_name="O'Neil",
        email="ann@example.com",
        phone="+14048812345",
        address="1 Peachtree St",
        city="East Point",
        state="GA",
        county="Fulton County",
        country="US",
        zip="30312",
        vertical="home_solar",
        attributes={"roof": {"age": 12}, "tags": ["a", None, 2]},
        consent=Consent(given_at=AT, text="Yes", ip="::1", url="https://x.com/f", token=None),
        external_id="x-1",
    )


def test_zip_fills_in_the_place_and_the_source_the_vertical() -> None:
    lead = parse({"phone": "404-881-2345", "zip": "30312", "email": " "}, default_vertical="roofing")
    assert (lead.city, lead.state, lead.county, lead.country) == ("Atlanta", "GA", "Fulton County", "US")
    assert (lead.vertical, lead.email, lead.consent, lead.attributes) == ("roofing", None, None, {})
    assert parse(MINIMAL, default_vertical="roofing").vertical == "solar"


def test_other_countries_need_no_known_code() -> None:
    lead = parse({"phone": "020 7946 0958", "zip": "sw1a 1aa", "country": "GB", "vertical": "solar"})
    assert (lead.phone, lead.zip, lead.state, lead.county) == ("+442079460958", "SW1A 1AA", None, None)


def test_all_problems_are_reported_at_once() -> None:
    assert refuse(
        {
            "emial": "x",
            "email": "x",
            "phone": 5,
            "state": "GA",
            "zip": "10001",
            "country": "US",
            "attributes": {"a b": 1, "n": {"m": "\x00"}},
            "consent": {"ip": "x", "given_at": "2026-06-01T12:06:00Z", "x": 1},
        }
    ) == {
        "emial": ["unknown_field"],
        "email": ["invalid"],
        "phone": ["invalid_type"],
        "state": ["mismatch"],
        "vertical": ["required"],
        "attributes": ["invalid_key"],
        "attributes.n.m": ["invalid_characters"],
        "consent.x": ["unknown_field"],
        "consent.given_at": ["future"],
        "consent.ip": ["invalid"],
    }


@pytest.mark.parametrize("payload", [{}, {"zip": None, "email": "", "phone": " ", "vertical": None}])
def test_required_fields(payload: dict[str, Any]) -> None:
    assert refuse(payload) == {"zip": ["required"], "vertical": ["required"], "email": ["required"]}


@pytest.mark.parametrize("payload", [None, [], "x", 1, [MINIMAL]])
def test_only_an_object_is_a_lead(payload: object) -> None:
    assert refuse(payload) == {"": ["invalid_type"]}


@pytest.mark.parametrize("key", ["a b", "\x00", "x" * 65, "ann@example.com"])
def test_odd_key_is_refused_but_not_repeated(key: str) -> None:
    with pytest.raises(LeadInvalid) as caught:
        parse({**MINIMAL, key: 1})
    assert [error.code for error in caught.value.errors[""]] == ["unknown_field"]
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "errors"),
    [
        ([], {"attributes": ["invalid_type"]}),
        ({f"k{number}": 1 for number in range(101)}, {"attributes": ["too_many"]}),
        ({"n": {f"k{number}": 1 for number in range(100)}}, {"attributes": ["too_many"]}),
        ({"l": [1] * 1_001}, {"attributes": ["too_many"]}),
        ({"a": {"b": {"c": {"d": {"e": {}}}}}}, {"attributes.a.b.c.d.e": ["too_deep"]}),
        ({"a": [[[[[]]]]]}, {"attributes.a[0][0][0][0]": ["too_deep"]}),
        ({"x" * 65: 1}, {"attributes": ["invalid_key"]}),
        ({"a.b": 1}, {"attributes": ["invalid_key"]}),
        ({"a": "x" * 1_001}, {"attributes.a": ["too_long"]}),
        ({"a": ["\ud800"]}, {"attributes.a[0]": ["invalid_characters"]}),
        ({"a": float("inf")}, {"attributes.a": ["invalid"]}),
        ({"a": 2**63}, {"attributes.a": ["too_large"]}),
        ({"a": 1e22}, {"attributes.a": ["too_large"]}),
        ({"a": [-1e300]}, {"attributes.a[0]": ["too_large"]}),
        ({"a": WideNumber("9" * 30)}, {"attributes.a": ["too_large"]}),
    ],
)
def test_attributes_are_bounded(attributes: Any, errors: dict[str, list[str]]) -> None:
    assert refuse({**MINIMAL, "attributes": attributes}) == errors


def test_attributes_at_the_limits_pass() -> None:
    attributes = {
        "a": {"b": {"c": {"d": {"e": 1}}}},
        "x" * 64: "é" * 1_000,
        "n": None,
        "i": 2**63 - 1,
        "l": [[1]] * 500,
    }
    assert parse({**MINIMAL, "attributes": attributes}).attributes == attributes


@pytest.mark.parametrize(
    ("consent", "errors"),
    [
        (True, {"consent": ["invalid_type"]}),
        ({"text": "Yes"}, {"consent.given_at": ["required"]}),
        ({"given_at": "2026-01-01"}, {"consent.given_at": ["invalid"]}),
        ({"given_at": "yesterday"}, {"consent.given_at": ["invalid"]}),
        ({"given_at": "0001-01-01T00:00:00+10:00"}, {"consent.given_at": ["invalid"]}),
        ({"given_at": 1767225600}, {"consent.given_at": ["invalid_type"]}),
        ({"given_at": "2026-01-01T00:00:00Z", "text": "x" * 4_001}, {"consent.text": ["too_long"]}),
        ({"given_at": "2026-01-01T00:00:00Z", "ip": "fe80::1%eth0"}, {"consent.ip": ["invalid"]}),
        ({"given_at": "2026-01-01T00:00:00Z", "url": "javascript:alert(1)"}, {"consent.url": ["invalid"]}),
        ({"given_at": "2026-01-01T00:00:00Z", "url": "http://[x"}, {"consent.url": ["invalid"]}),
    ],
)
def test_consent_is_checked(consent: Any, errors: dict[str, list[str]]) -> None:
    assert refuse({**MINIMAL, "consent": consent}) == errors


def test_clocks_may_differ_by_five_minutes() -> None:
    given_at = AT + timedelta(minutes=5)
    lead = parse({**MINIMAL, "consent": {"given_at": given_at.isoformat()}})
    assert lead.consent is not None
    assert lead.consent.given_at == given_at


def test_condition_fields_have_no_contact_data() -> None:
    lead = parse(
        {
            **MINIMAL,
            "first_name": "Ann",
            "phone": "404-881-2345",
            "address": "1 Peachtree St",
            "attributes": {"roof": {"age": 12}, "none": None, "tags": ["a", None, {"x": 1}]},
        }
    )
    assert condition_fields(lead, source="web form") == {
        "zip": "30312",
        "state": "GA",
        "country": "US",
        "county": "Fulton County",
        "counties": ["Fulton County"],
        "city": "Atlanta",
        "vertical": "solar",
        "source": "web form",
        "consent": False,
        "region": "South",
        "attributes.roof.age": 12,
        "attributes.tags": ["a"],
    }


def test_company_and_region_come_from_the_attributes() -> None:
    company = {"industry": "retail", "company_size": 0, "revenue": 1.5e6}
    lead = parse({**MINIMAL, "attributes": {**company, "region": "Gulf", "other": ""}})
    fields = condition_fields(lead, source="x")
    assert {name: fields[name] for name in company} == company
    assert fields["region"] == fields["attributes.region"] == "Gulf"

    blank = condition_fields(parse({**MINIMAL, "attributes": {"industry": "", "region": ""}}), source="x")
    assert "industry" not in blank
    assert "revenue" not in blank
    assert blank["region"] == "South"


@pytest.mark.parametrize(
    ("state", "country", "region"),
    [("GA", "US", "South"), ("OR", "US", "West"), ("PR", "US", None), (None, "US", None), ("GA", "GE", None)],
)
def test_region_follows_the_census(state: str | None, country: str, region: str | None) -> None:
    assert find_region(state, country=country) == region


def test_every_condition_field_is_known() -> None:
    company = {"industry": "retail", "company_size": 10, "revenue": 5}
    lead = parse(
        {**MINIMAL, "attributes": {"a": {"b": 1}, **company}, "consent": {"given_at": AT.isoformat()}}
    )
    fields = condition_fields(lead, source="x")
    assert set(CONDITION_FIELDS.kinds) == {name for name in fields if not name.startswith("attributes.")}
    for name in fields:
        validate({"field": name, "op": "exists"}, fields=CONDITION_FIELDS)


def test_repr_shows_no_personal_data() -> None:
    lead = parse(
        {
            **MINIMAL,
            "first_name": "Ann",
            "phone": "404-881-2345",
            "address": "1 Peachtree St",
            "attributes": {"p": "q9"},
        }
    )
    assert not [text for text in ("Ann", "a@example.com", "8812345", "Peachtree", "q9") if text in repr(lead)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
keys = st.sampled_from([*MINIMAL, "phone", "state", "country", "city", "attributes", "consent", "first_name"])


@settings(deadline=None)
@given(st.dictionaries(keys | st.text(), json_values, max_size=6), st.booleans(), st.booleans())
def test_any_json_is_cleaned_or_refused(
    extra: dict[str, Any],
    is_based_on_valid: bool,  # noqa: FBT001
    is_lenient: bool,  # noqa: FBT001
) -> None:
    payload = {**MINIMAL, **extra} if is_based_on_valid else extra
    try:
        lead = parse(payload, is_lenient=is_lenient)
    except LeadInvalid as error:
        assert error.errors  # noqa: PT017
        return
    assert not list(find_attribute_problems(lead.attributes))
    orjson.dumps(condition_fields(lead, source="x"))
    json.dumps([each.received for each in lead.corrections]).encode()
