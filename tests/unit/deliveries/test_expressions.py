"""What a template writes at one target: fields, texts, maps, formats, defaults; and the errors of wrong ones."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from distribution.deliveries.payloads.expression_reading import ExpressionError, read_expression
from distribution.deliveries.payloads.expressions import OMITTED
from distribution.deliveries.payloads.fields import FIELDS, Facts
from distribution.deliveries.payloads.formats import DIRECTIVES, apply_format
from tests.unit.deliveries.payload_leads import SALE, leads, make_facts, make_lead, patient


def evaluate(document: object, **lead: Any) -> Any:
    return read_expression(document).evaluate(make_facts(**lead))


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ("zip", "33647"),
        ("{zip}", "33647"),
        ({"field": "zip"}, "33647"),
        ({"text": "zip"}, "zip"),
        ({"value": "zip"}, "zip"),
        ({"value": [1, "a"]}, [1, "a"]),
        (12, 12),
        (1.5, 1.5),
        (False, False),
        (None, None),
        ("LeadSwitch", "LeadSwitch"),
        ("{{zip}}", "{zip}"),
        ("  two spaces  ", "  two spaces  "),
        ("full_name", "Test Person"),
        ("{first_name} {last_name}!", "Test Person!"),
        ("attributes.roof_age", 12),
        ("{attributes.roof_age}", 12),
        ("{attributes.roof_age} years", "12 years"),
        ("attributes.home.floors", 2),
        ("attributes.home", {"floors": 2}),
        ("attributes.services", ["roof", "gutter"]),
        ("Needs {attributes.services}", "Needs roof, gutter"),
        ("attributes.owner", True),
        ("Owner: {attributes.owner}", "Owner: true"),
        ("attributes.nothing", None),
        ("attributes.home.floors.deeper", None),
        ("consent.token", "abc"),
        ("consent.ip", None),
        ("assignment.price", "45.05"),
        ("assignment.price_cents", 4505),
        ("campaign", "Roofing, exclusive"),
        ("is_test", False),
        ("message_id", "01a20094-d901-71ad-ae8f-8ccbb726000e"),
        ("received_at", "2026-01-31T23:05:09.250000Z"),
        ({"field": "received_at", "format": "date"}, "2026-01-31"),
        ({"field": "received_at", "format": "date", "zone": "Asia/Tokyo"}, "2026-02-01"),
        ({"field": "received_at", "format": "iso", "zone": "America/New_York"}, "2026-01-31T18:05:09-05:00"),
        ({"field": "received_at", "format": "unix"}, 1769900709),
        ({"field": "received_at", "format": "unix_ms"}, 1769900709250),
        ("{received_at|%-m/%-d/%y %-I:%M %p}", "1/31/26 11:05 PM"),
        ("on {received_at|date}", "on 2026-01-31"),
        ("{phone|national}", "(500) 555-0006"),
        ("{phone|local_digits}", "5005550006"),
        ("{phone|digits}", "15005550006"),
        ("{phone|international}", "+1 500-555-0006"),
        ("{state|state_name}", "Florida"),
        ("{last_name|upper}", "PERSON"),
        ({"field": "attributes.owner", "map": {"true": "Y", "false": "N"}}, "Y"),
        ({"field": "attributes.roof_age", "map": {"12": "old"}}, "old"),
        ({"field": "vertical", "map": {"ROOFING": 33}}, 33),
        ({"field": "vertical", "map": {"hvac": 1}}, "roofing"),
        ({"field": "vertical", "map": {"hvac": 1}, "otherwise": 0}, 0),
        ({"field": "attributes.services", "map": {"roof": "R"}, "otherwise": "?", "join": ";"}, "R;?"),
        ({"field": "attributes.nothing", "map": {"a": "b"}, "otherwise": "?"}, None),
        ({"field": "attributes.nothing", "default": 7}, 7),
        ({"field": "attributes.roof_age", "default": 7}, 12),
        ({"field": "vertical", "map": {"roofing": None}, "default": "d"}, "d"),
        ({"field": "attributes.nothing", "omit_blank": True}, OMITTED),
        ({"field": "attributes.nothing", "omit_blank": True, "default": 0}, 0),
        ({"field": "attributes.owner", "omit_blank": True}, True),
    ],
    ids=str,
)  # fmt: skip
def test_value_of_an_expression(document: object, value: object) -> None:
    found = evaluate(document)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("blank", ["", "  ", None, [], {}])
def test_blank_values_are_missing(blank: object) -> None:
    attributes = {"roof_age": blank}
    assert evaluate({"field": "attributes.roof_age", "default": "d"}, attributes=attributes) == "d"
    assert evaluate({"text": "{attributes.roof_age} y", "omit_blank": True}, attributes=attributes) is OMITTED


@pytest.mark.parametrize("value", [0, False, 0.0])
def test_zero_and_false_are_values(value: object) -> None:
    document = {"field": "attributes.roof_age", "default": "d", "omit_blank": True}
    assert evaluate(document, attributes={"roof_age": value}) == value


def test_text_needs_one_of_its_placeholders() -> None:
    assert evaluate("{first_name} {last_name}", first_name="") == "Person"
    assert evaluate("{first_name} {last_name}", first_name="", last_name=" ") is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("frist_name", "unknown field 'frist_name': did you mean 'first_name'?"),
        ("frist_name", 'For this text itself write {"value": "frist_name"}'),
        ("attributes.roof-age", "unknown field 'attributes.roof-age': use attributes.<key>."),
        ({"field": "roof_age"}, "unknown field 'roof_age': use one of docs/deliveries.md, or attributes.roof_age"),
        ("{phon}", "unknown field 'phon': did you mean 'phone' (phone, like +15005550006)?"),
        ("{q-q}", "unknown field 'q-q': use one of docs/deliveries.md, or attributes.<key> for an attribute"),
        ("a } b", "'}' without its pair: write }} for the character"),
        ("a { b", "'{' without its pair: write {{ for the character"),
        ("{zip|date}", "format 'date' does not fit this field: use upper, lower, only_digits, state_name"),
        ("{received_at|%Q}", "unknown %Q in format '%Q': use %Y %y"),
        ("{received_at|%d%}", "unknown % in format '%d%'"),
        ("{received_at|dat}", "or a pattern like %m/%d/%Y"),
        ({"field": "is_test", "format": "upper"}, "format 'upper' does not fit this field: use none: remove it"),
        ({}, "needs exactly one of field, text, value"),
        ({"field": "zip", "value": 1}, "needs exactly one of field, text, value"),
        ({"text": "{zip}", "format": "upper"}, "format needs a field: in a text write {received_at|date}"),
        ({"feild": "zip"}, "unknown option 'feild': use field, text, value, format, zone, map"),
        ({"field": 3}, "field must be text"),
        ({"value": {"a": 1}}, "value must be text, a number, true, false, null or a list of those"),
        ({"field": "zip", "map": []}, "map must be an object like"),
        ({"field": "zip", "map": {"A": 1, "a": 2}}, "map has 'a' twice: letter case does not count"),
        ({"field": "zip", "map": {"a": []}}, "values of map, otherwise and default must be text"),
        ({"field": "zip", "otherwise": 1}, "otherwise needs a map"),
        ({"field": "zip", "omit_blank": "yes"}, "omit_blank and secret must be true or false"),
        ({"field": "zip", "join": 1}, 'join must be text, like ";"'),
        ({"field": "received_at", "zone": "Mars"}, "unknown time zone 'Mars': use a name like America/New_York"),
        ({"field": "received_at", "format": 1}, "format must be text"),
        ([1], 'must be text, a number, true, false, null or an object like {"field": "zip"}'),
        (float("inf"), "must be text, a number"),
        ("a" * 2_001, "is longer than 2000 characters: shorten it"),
    ],
)  # fmt: skip
def test_wrong_expression_is_explained(document: object, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_expression(document)
    assert message in str(caught.value)


@patient
@given(at=st.datetimes(timezones=st.just(UTC)), data=st.data())
def test_directives_write_as_c_does(at: datetime, data: st.DataObject) -> None:
    zone = ZoneInfo(data.draw(st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"])))
    pattern = " ".join(f"%{each}" for each in DIRECTIVES if each not in "zZ")
    assume(1_000 < at.year < 9_998)  # glibc does not pad earlier years
    local = at.astimezone(zone)
    written = apply_format(at.isoformat(), pattern, zone=zone)
    assert written == time.strftime(pattern, local.timetuple())
    assert apply_format(at.isoformat(), "%z %Z", zone=zone) == local.strftime("%z %Z")


def test_time_without_an_offset_is_one_of_the_zone() -> None:
    zone = ZoneInfo("America/New_York")
    assert apply_format("2026-07-01 09:00", "iso", zone=zone) == "2026-07-01T09:00:00-04:00"


@pytest.mark.parametrize("name", ["date", "%m/%d/%Y", "national", "digits", "state_name", "unix"])
def test_value_that_does_not_fit_its_format_stays(name: str) -> None:
    assert apply_format("as soon as possible", name) == "as soon as possible"
    assert apply_format(12, name) == 12
    assert apply_format(["asap", 3], name) == ["asap", 3]


def every_expression() -> Iterator[object]:
    for name, row in FIELDS.items():
        yield name
        yield {"text": f"<{{{name}}}>", "omit_blank": True}
        yield {"field": name, "map": {"true": 1}, "join": "|"}
        if row.kind == "time":
            yield {"field": name, "format": "%Y-%m-%d %H:%M:%S %z %Z", "zone": "America/New_York"}
    for name in ("national", "state_name", "unix_ms", "%B"):
        yield {"field": "attributes.a", "format": name}


@patient
@given(lead=leads)
def test_every_expression_has_a_json_value_for_every_lead(lead: Any) -> None:
    for document in every_expression():
        value = read_expression(document).evaluate(Facts(lead=lead, message_id="m"))
        if value is not OMITTED:
            assert json.loads(json.dumps(value, allow_nan=False).encode()) == value


def test_field_list_names_each_part_of_a_lead() -> None:
    """A lead with all fields: none of them is blank."""
    lead = make_lead(
        phone_extension="5",
        consent=dict.fromkeys(["given_at", "text", "ip", "url", "token"], "x"),
        sale=replace(SALE, bid_id="B-1"),
    )
    facts = Facts(lead=lead, message_id="m")
    assert [name for name in FIELDS if read_expression(name).evaluate(facts) is None] == []
