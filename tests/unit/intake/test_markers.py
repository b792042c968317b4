"""Test leads are recognized by the field and by the marks of other systems, and their values fail no parser."""

from typing import Any

import pytest

from routing.intake.parse import LeadInvalid, parse_lead
from tests.support.lenient import AT, MINIMAL, corrections_of, parse, refuse

META = {
    "full_name": "<test lead: dummy data for full_name>",
    "email": "test@fb.com",
    "phone_number": "p:<test lead: dummy data for phone_number>",
    "zip_code": "<test lead: dummy data for zip_code>",
    "roof": "<test lead: dummy data for roof>",
    "vertical": "solar",
}


@pytest.mark.parametrize(
    ("mark", "notes"),
    [
        ({"is_test": True}, []),
        ({"is_test": "yes"}, [("is_test", "corrected", "yes")]),
        ({"Test_Lead": "1"}, [("is_test", "moved", None)]),
        ({"test_lead": 1}, [("is_test", "moved", None)]),
        ({"lp_action": "test"}, [("is_test", "moved", None)]),
        ({"email": "Test@Meta.com"}, [("email", "test", None)]),
        ({"zip": "99999"}, [("zip", "test", None), ("zip", "unknown", None)]),
        ({"first_name": "<test lead: dummy data for first_name>"}, [("first_name", "test", None)]),
        ({"attributes": {"a": ["x", "<Test Lead: b>"]}}, [("attributes", "test", None)]),
    ],
)
def test_mark_makes_a_test_lead(mark: dict[str, Any], notes: list[tuple[str, str, Any]]) -> None:
    lead = parse({**MINIMAL, **mark})
    assert lead.is_test
    assert corrections_of(lead) == notes
    assert "Test_Lead" not in lead.attributes


@pytest.mark.parametrize(
    "mark",
    [
        *({}, {"is_test": False}, {"is_test": None}, {"is_test": ""}, {"is_test": "no"}, {"Test_Lead": "0"}),
        *({"lp_action": "submit"}, {"email": "test@example.com"}, {"zip": "99501"}),
        {"first_name": "a <test lead:"},
    ],
)
def test_lead_without_a_mark_is_real(mark: dict[str, Any]) -> None:
    assert not parse({**MINIMAL, **mark}).is_test


def test_other_value_of_a_mark_stays_an_attribute() -> None:
    lead = parse({**MINIMAL, "lp_action": "submit", "test_lead": "maybe"})
    assert lead.attributes == {"lp_action": "submit", "test_lead": "maybe"}


def test_meta_test_lead_is_read_whole() -> None:
    lead = parse(META)
    assert (lead.is_test, lead.first_name, lead.last_name) == (True, META["full_name"], None)
    assert (lead.email, lead.phone, lead.zip, lead.state) == ("test@fb.com", None, "99999", "AK")
    assert lead.attributes == {"roof": META["roof"]}
    assert [(name, code) for name, code, _ in corrections_of(lead)] == [
        *(("first_name", "moved"), ("phone", "moved"), ("zip", "moved"), ("roof", "moved")),
        *(("email", "test"), ("first_name", "test"), ("phone", "test"), ("zip", "test")),
        *(("attributes", "test"), ("phone", "dropped"), ("zip", "assumed"), ("zip", "unknown")),
    ]


def test_contact_of_test_values_is_not_missing() -> None:
    text = "<test lead: dummy data>"
    lead = parse({**MINIMAL, "email": text, "phone": text})
    assert (lead.is_test, lead.email, lead.phone) == (True, None, None)


def test_test_lead_without_contact_is_refused_like_any() -> None:
    assert refuse({"zip": "30312", "vertical": "solar", "is_test": True}) == {"email": ["required"]}


def test_unreadable_flag_is_left_out_with_a_warning() -> None:
    lead = parse({**MINIMAL, "is_test": "maybe"})
    assert not lead.is_test
    assert corrections_of(lead) == [("is_test", "dropped", "maybe")]


def parse_strictly(payload: dict[str, Any]) -> bool:
    return parse_lead(payload, default_vertical=None, at=AT, is_lenient=False).is_test


def test_strict_source_reads_flag_and_values() -> None:
    assert parse_strictly({**MINIMAL, "is_test": "true"})
    assert parse_strictly({**MINIMAL, "phone": "<test lead: dummy data for phone>"})
    assert not parse_strictly(MINIMAL)
    with pytest.raises(LeadInvalid, match="is_test must be true or false"):
        parse_strictly({**MINIMAL, "is_test": "yes"})


def test_caller_makes_a_test_lead() -> None:
    assert parse_lead(MINIMAL, default_vertical=None, at=AT, is_test=True).is_test


def test_id_of_a_test_lead_leaves_the_senders_id_free() -> None:
    assert parse({**MINIMAL, "is_test": True, "external_id": "1001"}).external_id == "test:1001"
    assert parse({**MINIMAL, "external_id": "1001"}).external_id == "1001"
    long = [
        parse({**MINIMAL, "is_test": True, "external_id": f"{'x' * 99}{end}"}).external_id for end in "ab"
    ]
    assert {len(each or "") for each in long} == {100}
    assert len(set(long)) == 2
