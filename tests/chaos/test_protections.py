"""Each protection can still be removed: the names and texts that it replaces exist."""

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.calls.accounts import CHECKS
from tests.chaos.faults import FAULTS
from tests.chaos.missing import EVERY, describe_broken, has_broken, list_runs
from tests.chaos.parts import PARTS
from tests.chaos.protections import ALONE, PROTECTIONS
from tests.support.warm.started import run_python

# In a separate process, as in the suite: a removed protection stays removed.
TAKE_AWAY = "import sys, django; django.setup(); from tests.chaos.protections import take_away; take_away(sys.argv[1:])"


@pytest.mark.parametrize("name", PROTECTIONS)
def test_protection_can_be_removed(name: str) -> None:
    done = run_python("-c", TAKE_AWAY, name)
    assert (done.returncode, done.stderr) == (0, "")


def test_protections_name_known_faults_and_each_other() -> None:
    assert {fault for each in PROTECTIONS.values() for fault in each.faults} <= set(FAULTS)
    assert {each.second for each in PROTECTIONS.values()} - {""} | set(ALONE) <= set(PROTECTIONS)


# They drop an index of the run's own database.
OF_INDEXES = ("one-pending", "one-phone")
IN_PARTS = [
    (part.name, name) for part in PARTS.values() for name in part.protections if name not in OF_INDEXES
]
TAKE_FROM_PART = (
    "import sys, django; from pathlib import Path; django.setup(); from importlib import import_module as module;"
    "module(f'tests.chaos.{sys.argv[1]}.probes').install(Path(sys.argv[3]));"
    "module(f'tests.chaos.{sys.argv[1]}.protections').PROTECTIONS[sys.argv[2]].remove()"
)


@pytest.mark.parametrize(("part", "name"), IN_PARTS)
def test_protection_of_a_part_can_be_removed(part: str, name: str, tmp_path: Path) -> None:
    done = run_python("-c", TAKE_FROM_PART, part, name, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_each_protection_is_removed_in_some_run() -> None:
    assert {name for _, names in list_runs(None) for name in names} == set(EVERY)
    assert {part for part, _ in list_runs("offers")} == {"offers"}


CALLS = PARTS["calls"].protections
CHECKED = {
    *CHECKS,
    "numbers with more calls than lines",
    "phones that were called twice at once",
    "people who were called outside the hours of their state",
    "calls of the carrier without a row",
    "calls with another outcome than at the carrier",
    "calls that count as not placed although the carrier has them",
}


def row_of(name: str, *checks: str) -> dict[str, Any]:
    return {"order": {"without": [name]}, "findings": [{"check": each, "count": 2} for each in checks]}


@pytest.mark.parametrize("name", CALLS)
def test_removal_of_a_protection_of_calls_must_break_the_check_that_it_names(name: str) -> None:
    breaks = CALLS[name].breaks
    assert breaks in CHECKED
    other = "reports that could not be applied"

    assert has_broken(row_of(name, other, breaks))
    assert describe_broken(row_of(name, breaks)) == f"{breaks}: 2"
    assert not has_broken(row_of(name, other))
    assert not has_broken(row_of(name))
    assert describe_broken(row_of(name)) == f"NOTHING BROKE; NOT BROKEN: {breaks}"
    assert describe_broken(row_of(name, other)) == f"{other}: 2; NOT BROKEN: {breaks}"


def test_removal_that_names_no_check_must_break_any() -> None:
    assert has_broken(row_of("row-lock", "anything"))
    assert not has_broken(row_of("row-lock"))


# What is heard of a call whose person pressed 1, and of one that rings after its end. In a process of its own.
WITHOUT_RANK = (
    "import django; django.setup(); from tests.chaos.calls.protections import PROTECTIONS;"
    "PROTECTIONS['rank'].remove(); from distribution.calls.hearing import learn;"
    "from distribution.calls.states import Known, Said;"
    "pressed = learn(Known(), Said('in-progress', key='1'));"
    "print(pressed.outcome, learn(pressed, Said('completed')).outcome);"
    "print(learn(Known('ended', 'busy'), Said('ringing')).state);"
    "print(repr(learn(Known(), Said('in-progress', key='5')).outcome), learn(Known(), Said('odd')).state)"
)


def test_call_goes_back_without_its_rank() -> None:
    done = run_python("-c", WITHOUT_RANK)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["confirmed", "no_input", "ringing", "''", "created"]
