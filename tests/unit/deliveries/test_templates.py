"""Templates: nesting, lists, forms and XML, read again by parsers that are not ours."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.fields import FIELDS, Facts
from distribution.deliveries.payloads.lead import DeliveredLead, make_plain
from distribution.deliveries.payloads.template import BodyFormat, TemplateError, compile_template
from tests.unit.deliveries.payload_leads import leads, make_facts, patient, texts


def render(document: object, body_format: BodyFormat, **lead: Any) -> str:
    return compile_template(document, body_format=body_format).render(make_facts(**lead)).decode()


def test_json_is_nested_by_targets() -> None:
    body = render(
        {
            "contact.name": "full_name",
            "contact.phones[0].number": "phone",
            "contact.phones[0].type": "voice",
            "contact.phones[1].number": {"field": "attributes.mobile", "omit_blank": True},
            "answers[0]": "attributes.roof_age",
            "answers[1]": {"field": "attributes.nothing", "omit_blank": True},
            "answers[2]": "attributes.owner",
            "input_18\\.1": "zip",
            "gone.deeper": {"field": "attributes.nothing", "omit_blank": True},
            "empty": "attributes.nothing",
        },
        "json",
    )
    assert json.loads(body) == {
        "contact": {"name": "Test Person", "phones": [{"number": "+15005550006", "type": "voice"}]},
        "answers": [12, True],
        "input_18.1": "33647",
        "empty": None,
    }


def test_form_keeps_names_and_repeats_lists() -> None:
    body = render(
        {
            "Key": "fake-key",
            "fields[phone][value]": "{phone|local_digits}",
            "Roof Age": "attributes.roof_age",
            "services": "attributes.services",
            "owner": "attributes.owner",
            "empty": "attributes.nothing",
            "gone": {"field": "attributes.nothing", "omit_blank": True},
            "home": "attributes.home",
        },
        "form",
    )
    assert parse_qsl(body, keep_blank_values=True) == [
        ("Key", "fake-key"),
        ("fields[phone][value]", "5005550006"),
        ("Roof Age", "12"),
        ("services", "roof"),
        ("services", "gutter"),
        ("owner", "true"),
        ("empty", ""),
        ("home.floors", "2"),
    ]


def test_xml_has_attributes_lists_and_namespaces() -> None:
    body = render(
        {
            "s:Envelope.@xmlns:s": "http://schemas.xmlsoap.org/soap/envelope/",
            "s:Envelope.s:Body.Lead.@id": "id",
            "s:Envelope.s:Body.Lead.Phone": "phone",
            "s:Envelope.s:Body.Lead.Phone.@type": "voice",
            "s:Envelope.s:Body.Lead.Service": "attributes.services",
            "s:Envelope.s:Body.Lead.Answer[0].Key": "a & b",
            "s:Envelope.s:Body.Lead.Answer[1].Key": "attributes.roof_age",
            "s:Envelope.s:Body.Lead.Gone": {"field": "attributes.nothing", "omit_blank": True},
            "s:Envelope.s:Body.Lead.Empty": "attributes.nothing",
            "s:Envelope.s:Body.Lead.Home": "attributes.home",
        },
        "xml",
    )
    assert body == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<Lead id="01a20094-d901-71ad-ae8f-000000000002"><Phone type="voice">+15005550006</Phone>'
        "<Service>roof</Service><Service>gutter</Service><Answer><Key>a &amp; b</Key></Answer>"
        "<Answer><Key>12</Key></Answer><Empty></Empty><Home><floors>2</floors></Home></Lead></s:Body></s:Envelope>"
    )
    fromstring(body)


def test_empty_template_sends_all_fields() -> None:
    document = json.loads(render({}, "json"))
    assert document["zip"] == "33647"
    assert document["assignment"]["price_cents"] == 4505
    assert document["attributes"]["services"] == ["roof", "gutter"]
    assert {name.split(".")[0] for name in FIELDS} == {*document, "zip3"}
    assert "bid_id" not in document["assignment"]
    pairs = dict(parse_qsl(render({}, "form"), keep_blank_values=True))
    assert (pairs["zip"], pairs["attributes.roof_age"], pairs["consent.ip"]) == ("33647", "12", "")
    root = fromstring(render({}, "xml"))
    assert (root.tag, root.findtext("zip"), root.findtext("attributes/home/floors")) == ("lead", "33647", "2")


def expect_xml(text: str) -> str:
    """The characters that XML 1.0 has, from its grammar."""
    return "".join(
        each
        for each in text
        if each in "\t\n\r" or " " <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd" or each >= "\U00010000"
    )


@patient
@given(lead=leads, constant=texts)
def test_values_come_back_from_each_format(lead: DeliveredLead, constant: str) -> None:
    facts = Facts(lead=lead, message_id="m")
    names = {"a": lead.first_name, "b": lead.address, "c": lead.email, "d": constant}
    plain = {name: make_plain(text) for name, text in names.items()}
    kept = {name: text if text.strip() or name == "d" else None for name, text in plain.items()}
    fields = {"a": "first_name", "b": "address", "c": "email", "d": {"value": constant}}
    in_json = compile_template(fields, body_format="json").render(facts).decode()
    expected = {**kept, "d": plain["d"] if plain["d"].strip() else None}
    assert json.loads(in_json) == expected
    in_form = compile_template(fields, body_format="form").render(facts).decode()
    assert dict(parse_qsl(in_form, keep_blank_values=True)) == {
        name: text or "" for name, text in expected.items()
    }
    nested = {f"r.{name}": value for name, value in fields.items()} | {"r.e.@f": {"value": constant}}
    root = fromstring(compile_template(nested, body_format="xml").render(facts))
    assert {name: root.findtext(name) for name in fields} == {
        name: expect_xml(text or "") for name, text in expected.items()
    }
    assert root.find("e").get("f") == expect_xml(expected["d"] or "")  # type: ignore[union-attr]


@patient
@given(lead=leads)
def test_all_fields_are_well_formed_for_every_lead(lead: DeliveredLead) -> None:
    facts = Facts(lead=lead, message_id="m")
    fromstring(compile_template({}, body_format="xml").render(facts))
    parse_qsl(compile_template({}, body_format="form").render(facts).decode(), strict_parsing=True)
    json.loads(compile_template({}, body_format="json").render(facts).decode(), parse_constant=pytest.fail)


names = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
documents = st.recursive(
    st.integers(-(2**63), 2**63 - 1),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(names, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def list_targets(value: Any, path: str = "") -> list[tuple[str, int]]:
    """The template that writes this document, target by target."""
    if isinstance(value, dict):
        return [
            each for key, inner in value.items() for each in list_targets(inner, f"{path}.{key}".lstrip("."))
        ]
    if isinstance(value, list):
        return [
            each for number, inner in enumerate(value) for each in list_targets(inner, f"{path}[{number}]")
        ]
    return [(path, value)]


@patient
@given(document=st.dictionaries(names, documents, min_size=1, max_size=3), data=st.data())
def test_any_json_is_written_whatever_the_order_of_its_targets(document: Any, data: st.DataObject) -> None:
    targets = data.draw(st.permutations(list_targets(document)))
    assert json.loads(render(dict(targets), "json")) == document


@pytest.mark.parametrize(
    ("document", "body_format", "message"),
    [
        ([], "json", 'must be an object like {"zip": "{zip}"}'),
        ({"a": "zip", "a.b": "zip"}, "json", "a.b: goes below another target, which is a value: rename one of them"),
        ({"a.b": "zip", "a": "zip"}, "json", "a: is the same place as another target: rename one of them"),
        ({"a[0]": "zip", "a.b": "zip"}, "json", "a.b: uses names and positions at one place: use only one kind"),
        ({"a[0]": "zip", "a[2]": "zip"}, "json", "a: the list has a gap: number its items 0, 1, 2"),
        ({"a.b[1].c": "zip"}, "json", "a.b: the list has a gap: number its items 0, 1, 2"),
        ({"": "zip"}, "json", "is not a target: write names with dots"),
        ({"a..b": "zip"}, "json", "a..b: is not a target"),
        ({"a.": "zip"}, "json", "a.: is not a target"),
        ({"[0]": "zip"}, "json", "[0]: is not a target"),
        ({"a[x]": "zip"}, "json", "a[x]: is not a target"),
        ({".".join("a" * 11): "zip"}, "json", "needs 1 to 10 names"),
        ({" ": "zip"}, "form", "needs a name"),
        ({"a": "{zip"}, "form", "a: '{' without its pair"),
        ({"a.b": "zip", "c.d": "zip"}, "xml", "needs one root element: begin every target with the same name"),
        ({"a[0].b": "zip"}, "xml", "has a root element with a position: remove it"),
        ({"a.1b": "zip"}, "xml", "'1b' is not a name of XML"),
        ({"a.b c": "zip"}, "xml", "'b c' is not a name of XML"),
        ({"a.xmlb": "zip"}, "xml", "'xmlb' is not a name of XML"),
        ({"@a": "zip"}, "xml", "is an attribute without an element: write lead.@id"),
        ({"a.s:b": "zip"}, "xml", "uses the prefix 's' without its namespace: add a.@xmlns:s"),
        ({"a.b": "zip", "a.b.c": "zip"}, "xml", "has an element with both a value and elements (c): keep one kind"),
        ({f"a{number}": "zip" for number in range(201)}, "json", "has more than 200 targets: use fewer"),
    ],
)  # fmt: skip
def test_wrong_template_is_explained(document: object, body_format: BodyFormat, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(document, body_format=body_format)
    [problem] = caught.value.problems
    assert problem.field == "template"
    assert message in problem.message


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template({"a": "phon", "b..c": "zip", "d": {"x": 1}}, body_format="json")
    assert [problem.message.split(":")[0] for problem in caught.value.problems] == ["a", "b..c", "d"]
