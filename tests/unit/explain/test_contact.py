"""Values that identify a person are recognized, and no others."""

import pytest

from distribution.explain.personal_data import build_person, names_person, recognize

ADA = ["ada@example.com", "+14048812345", "Ada", "Lovelace", "1 Analytical Row"]
PLACE = ["Atlanta", "Fulton County", "GA", "30312", "roofing"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("ADA@example.com", "an email address"),
        ("mail other@example.org", "an email address"),
        ("(404) 881-2345", "the lead's phone number"),
        (4048812345, "the lead's phone number"),
        (14048812345, "the lead's phone number"),
        (" lovelace ", "a name or the address of the lead"),
        ("for Ada Lovelace", "a name or the address of the lead"),
        ("Lovelace, Ada (call after six)", "the name of the lead"),
        ("ADA B. LOVELACE", "the name of the lead"),
        ("Ada Street", None),
        ("Atlanta", None),
        ("Adalbert", None),
        (30312, None),
        (1, None),
    ],
)
def test_personal_values_are_recognized(value: str | int, kind: str | None) -> None:
    assert recognize(value, build_person([*ADA, *PLACE]), is_rule=False) == kind


def test_person_without_contact_fields_matches_nothing() -> None:
    unknown = build_person([None, "", "", "", None, *PLACE])
    assert [recognize(value, unknown, is_rule=False) for value in (0, 1, "", "1", "x")] == [None] * 5


def test_rule_may_use_names_but_no_addresses() -> None:
    person = build_person([*ADA, *PLACE])
    assert recognize("Lovelace", person, is_rule=True) is None
    assert recognize("ada@example.com", person, is_rule=True) == "an email address"


def test_short_name_is_found_only_as_a_whole() -> None:
    person = build_person(["", "", "Bo", "Li", "", *PLACE])
    assert recognize("Li, Bo", person, is_rule=False) == "the name of the lead"
    assert [recognize(value, person, is_rule=False) for value in ("Bo", "Li", "bold lion")] == [None] * 3


def test_key_may_hold_a_name() -> None:
    person = build_person([*ADA, *PLACE])
    assert names_person("attributes.call_ada_lovelace", person)
    assert not names_person("attributes.ada", person)
    assert not names_person("attributes.x", build_person([None] * 5 + PLACE))
