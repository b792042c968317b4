"""The table of docs/dispatch.md lists every variable with a range, as the registry has it, and metrics that exist."""

import re

import pytest

from leadswitch.env import REPOSITORY
from leadswitch.env.leads import Leads, Watch
from leadswitch.env.parse import IntegerRange, parse_count
from leadswitch.env.registry import VARIABLES
from leadswitch.env.tuning import DispatchTuning
from leadswitch.env.variable import Variable
from routing.dispatcher.loop import HEARTBEAT_SECONDS
from routing.tuning import ALIVE_SECONDS

ROW = re.compile(r"\| `(LEADSWITCH_\w+)` \| ([\d,]+) \| ([\d,]+) to ([\d,]+) \| (.+) \| (.+) \|")
ROWS = ROW.findall((REPOSITORY / "docs" / "dispatch.md").read_text())
SERIES = set(
    re.findall(r"^\| `(leadswitch_\w+)`", (REPOSITORY / "docs" / "metrics.md").read_text(), re.MULTILINE)
)
RANGES = [(each, each.parse) for each in VARIABLES if isinstance(each.parse, IntegerRange)]


def test_table_has_the_defaults_and_ranges_of_the_registry() -> None:
    documented = {
        name: tuple(int(each.replace(",", "")) for each in numbers) for name, *numbers, _, _ in ROWS
    }
    assert len(ROWS) == len(documented)
    assert documented == {
        variable.name: (int(variable.example), whole.lowest, whole.highest) for variable, whole in RANGES
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_metric_of_the_table_exists(row: tuple[str, ...]) -> None:
    named = re.findall(r"`(leadswitch_\w+)", row[-1])
    assert named
    assert [each for each in named if each not in SERIES] == []


def test_variables_of_the_dispatch_have_a_range() -> None:
    sections = (Leads, Watch, DispatchTuning)
    variables = [
        each for section in sections for each in vars(section).values() if isinstance(each, Variable)
    ]
    assert len(variables) > 30
    assert [each.name for each in variables if each.parse is parse_count] == []


def test_defaults_are_in_their_ranges() -> None:
    assert [
        variable.name
        for variable, whole in RANGES
        if not whole.lowest <= int(variable.example) <= whole.highest
    ] == []


def test_two_heartbeats_of_a_leader_may_be_lost() -> None:
    assert 3 * HEARTBEAT_SECONDS <= ALIVE_SECONDS
