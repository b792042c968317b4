"""The table of docs/dispatch.md lists every variable of the dispatch, with its range, and metrics that exist."""

import re

import pytest

from leadswitch.env import REPOSITORY, BadEnvironment, Environment
from leadswitch.env.calls import Calls
from leadswitch.env.deliveries import Deliveries
from leadswitch.env.leads import Leads, Watch
from leadswitch.env.parse import IntegerRange, parse_count
from leadswitch.env.payments import Payments
from leadswitch.env.registry import VARIABLES
from leadswitch.env.takeover import DispatchTakeover
from leadswitch.env.together import PARTS, RULES, Rule, check_rule
from leadswitch.env.tuning import DispatchTuning
from leadswitch.env.variable import Variable

ROW = re.compile(r"\| `(LEADSWITCH_\w+)` \| ([\d,]+) \| ([\d,]+) to ([\d,]+) \| (.+) \| (.+) \|")
ROWS = ROW.findall((REPOSITORY / "docs" / "dispatch.md").read_text())
SERIES = set(
    re.findall(r"^\| `(leadswitch_\w+)`", (REPOSITORY / "docs" / "metrics.md").read_text(), re.MULTILINE)
)
DISPATCH = (Calls, Leads, Watch, DispatchTuning, DispatchTakeover, Deliveries, Payments)
DISPATCH_VARIABLES = [each for section in DISPATCH for each in section.own_variables()]
RANGES = [(each, each.parse) for each in VARIABLES if isinstance(each.parse, IntegerRange)]


def test_table_has_the_defaults_and_ranges_of_the_registry() -> None:
    documented = {
        name: tuple(int(each.replace(",", "")) for each in numbers) for name, *numbers, _, _ in ROWS
    }
    assert len(ROWS) == len(documented)
    assert documented == {
        variable.name: (int(variable.example), whole.lowest, whole.highest)
        for variable, whole in RANGES
        if variable in DISPATCH_VARIABLES
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_metric_of_the_table_exists(row: tuple[str, ...]) -> None:
    named = re.findall(r"`(leadswitch_\w+)", row[-1])
    assert named
    assert [each for each in named if each not in SERIES] == []


def test_variables_of_the_dispatch_have_a_range() -> None:
    assert len(DISPATCH_VARIABLES) > 30
    assert [each.name for each in DISPATCH_VARIABLES if each.parse is parse_count] == []


def test_defaults_are_in_their_ranges() -> None:
    assert [
        variable.name
        for variable, whole in RANGES
        if not whole.lowest <= int(variable.example) <= whole.highest
    ] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.variable.name} {rule.bound.name}")
def test_defaults_fit_together_and_some_allowed_value_does_not(rule: Rule) -> None:
    """A rule that no value in the ranges can break has no effect."""
    assert int(rule.variable.example) <= int(rule.bound.example) // rule.divisor
    assert rule.variable.parse.highest > rule.bound.parse.lowest // rule.divisor
    assert rule.variable.name.rsplit("_", 1)[1] == rule.bound.name.rsplit("_", 1)[1]  # the unit
    assert rule.divisor in PARTS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.variable.name} {rule.bound.name}")
def test_highest_value_of_a_rule_starts_and_the_next_does_not(rule: Rule) -> None:
    """The message names the variable, its value, the other variable and the highest value."""
    bound = max(rule.bound.parse.lowest, rule.divisor * rule.variable.parse.lowest)
    highest = bound // rule.divisor
    texts = {rule.bound.name: str(bound)}
    check_rule(Environment({**texts, rule.variable.name: str(highest)}), rule)
    with pytest.raises(BadEnvironment) as caught:
        check_rule(Environment({**texts, rule.variable.name: str(highest + 1)}), rule)
    part = PARTS[rule.divisor]
    assert str(caught.value).startswith(
        f"{rule.variable.name}: {highest + 1} is greater than {part}{rule.bound.name}."
        f" Use at most {highest}, or raise {rule.bound.name} "
    )


@pytest.mark.parametrize(("variable", "whole"), RANGES, ids=lambda each: getattr(each, "name", ""))
def test_value_out_of_range_is_refused_with_the_range(variable: Variable[int], whole: IntegerRange) -> None:
    for value in (whole.lowest - 1, whole.highest + 1):
        if value < 0:
            continue
        with pytest.raises(BadEnvironment) as caught:
            getattr(Environment({variable.name: str(value)}), variable.field)
        problem = f"{variable.name}: {value} is out of range. Use {whole.lowest} to {whole.highest} "
        assert str(caught.value).startswith(problem)
    for value in (whole.lowest, whole.highest):
        assert getattr(Environment({variable.name: str(value)}), variable.field) == value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_example_has_the_default_and_range_of_the_table(row: tuple[str, ...]) -> None:
    name, default, lowest, highest = (each.replace(",", "") for each in row[:4])
    unwrapped = (REPOSITORY / ".env.example").read_text().replace("\n# ", " ")
    assert re.search(rf"Range: {lowest} to {highest}\.\n#{name}={default}\s", unwrapped)
