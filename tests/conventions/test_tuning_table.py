"""The table of docs/dispatch.md lists every variable with a range, as the registry has it, and metrics that exist."""

import re

import pytest

from leadswitch.env import REPOSITORY
from leadswitch.env.parse import Whole
from leadswitch.env.registry import VARIABLES

ROW = re.compile(r"\| `(LEADSWITCH_\w+)` \| ([\d,]+) \| ([\d,]+) to ([\d,]+) \| (.+) \| (.+) \|")
ROWS = ROW.findall((REPOSITORY / "docs" / "dispatch.md").read_text())
WHOLES = [(each, each.parse) for each in VARIABLES if isinstance(each.parse, Whole)]


def test_table_has_the_defaults_and_ranges_of_the_registry() -> None:
    documented = {
        name: tuple(int(each.replace(",", "")) for each in numbers) for name, *numbers, _, _ in ROWS
    }
    assert len(ROWS) == len(documented)
    assert documented == {
        variable.name: (int(variable.example), whole.lowest, whole.highest) for variable, whole in WHOLES
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_metric_of_the_table_exists(row: tuple[str, ...]) -> None:
    defined = "".join(path.read_text() for path in REPOSITORY.glob("*/metrics.py"))
    named = re.findall(r"`(leadswitch_\w+)", row[-1])
    assert named
    assert [each for each in named if f'"{each}"' not in defined] == []


def test_defaults_are_in_their_ranges() -> None:
    assert [
        variable.name
        for variable, whole in WHOLES
        if not whole.lowest <= int(variable.example) <= whole.highest
    ] == []
