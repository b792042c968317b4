from typing import Any

import pytest

from routing.conditions import shorten


@pytest.mark.parametrize(
    "value", [None, 5, 1.5, True, "", "x" * 200, [], ["a", 1, None], list(range(10)), ["y" * 50] * 10]
)
def test_short_value_is_shown_unchanged(value: Any) -> None:
    assert shorten(value) == value


def test_long_value_is_cut() -> None:
    assert shorten("x" * 201) == "x" * 200 + "…"
    assert shorten(["y" * 51]) == ["y" * 50 + "…"]
    assert shorten(tuple(range(1_010))) == [*range(10), "and 1,000 more"]
