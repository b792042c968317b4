"""The search for values that a text must not show."""

import pytest

from tests.support.shown import find_shown


@pytest.mark.parametrize(
    "text",
    [
        '{"phone_extension": "518", "zip": 30312}',
        "x518 30312",
        "ext. 518, GA 30312.",
        "path/518/30312-1234",
        "a_518_b 30312",
    ],
)
def test_short_value_is_found_as_a_word(text: str) -> None:
    wanted = ["30312"] if text.startswith("x") else ["518", "30312"]
    assert find_shown(["518", "30312"], text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T12:00:00.518123Z",
        "1795975498303120001",
        "019c1f0e-518a-7b7e-9d0a-330312b4a5d6",
        "eyJ518fQ",
    ],
)
def test_short_value_within_an_id_is_not_found(text: str) -> None:
    assert find_shown(["518", "30312"], text) == []


def test_long_value_is_found_anywhere_and_in_any_case() -> None:
    assert find_shown(["Quackenbush", "4045550187"], "n+14045550187, quackenbush2") == [
        "Quackenbush",
        "4045550187",
    ]
