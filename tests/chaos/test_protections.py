"""Each protection can still be removed: the names and texts that it replaces exist."""

import subprocess
import sys

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.protections import ALONE, PROTECTIONS

# In a separate process, as in the suite: a removed protection stays removed.
TAKE_AWAY = "import sys, django; django.setup(); from tests.chaos.protections import take_away; take_away(sys.argv[1:])"


@pytest.mark.parametrize("name", PROTECTIONS)
def test_protection_can_be_removed(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TAKE_AWAY, name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_protections_name_known_faults_and_each_other() -> None:
    assert {fault for each in PROTECTIONS.values() for fault in each.faults} <= set(FAULTS)
    assert {each.second for each in PROTECTIONS.values()} - {""} | set(ALONE) <= set(PROTECTIONS)
