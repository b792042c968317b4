"""Each protection can still be removed: the names and texts that it replaces exist."""

from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.missing import EVERY, list_runs
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
