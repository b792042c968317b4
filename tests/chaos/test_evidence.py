"""The judgment of the probes' lines finds proven overlaps, and nothing else."""

import json
from pathlib import Path

from tests.chaos.evidence import CUT, REPAIRED, Witness
from tests.chaos.findings import Findings
from tests.chaos.periods import SHORT
from tests.chaos.probes import WITNESS
from tests.chaos.waybacks import why_stranded

LEAD = 7


def judge(directory: Path, *lines: tuple[str, int] | str, loser: int = 0) -> Witness:
    """Lines that a process or the suite wrote about the lead. `loser`: the process that gives the lead up."""
    with (directory / WITNESS).open("w") as file:
        for line in lines:
            what, pid = (line, 0) if isinstance(line, str) else line
            is_given_up = what == "ends" and pid == loser
            file.write(
                json.dumps({"what": what, "pid": pid, "lead": LEAD, "is_given_up": is_given_up}) + "\n"
            )
    return Witness(directory).read()


def test_consecutive_attempts_are_fine(tmp_path: Path) -> None:
    witness = judge(tmp_path, ("begins", 1), ("ends", 1), ("begins", 2), ("ends", 2))
    assert (witness.seen["two at once"], witness.count_abandoned()) == (0, 0)


def test_simultaneous_attempts_are_found(tmp_path: Path) -> None:
    witness = judge(tmp_path, ("begins", 1), ("begins", 2), ("ends", 2), ("ends", 1))
    assert witness.seen["two at once"] == 1


def test_loser_that_gives_up_is_counted(tmp_path: Path) -> None:
    """Whether it had the lead first or second."""
    for loser in (1, 2):
        lines = (("begins", 1), ("begins", 2), ("ends", 3 - loser), ("ends", loser))
        assert judge(tmp_path, *lines, loser=loser).seen["gave up beside another"] == 1


def test_killed_process_counts_as_unlocked(tmp_path: Path) -> None:
    witness = judge(tmp_path, ("begins", 1), ("begins", 2), ("ends", 2))
    assert (witness.seen["two at once"], witness.count_abandoned()) == (0, 1)


def test_cut_connection_counts_as_unlocked(tmp_path: Path) -> None:
    """Begun before or during the cut: the database released the lead, and the process had no notice of it."""
    before = judge(tmp_path, ("begins", 1), CUT, REPAIRED, ("begins", 2), ("ends", 2), ("ends", 1))
    assert before.seen["two at once"] == 0
    during = judge(tmp_path, CUT, ("begins", 1), REPAIRED, ("begins", 2), ("ends", 2), ("ends", 1))
    assert during.seen["two at once"] == 0
    after = judge(tmp_path, CUT, REPAIRED, ("begins", 1), ("begins", 2), ("ends", 2), ("ends", 1))
    assert after.seen["two at once"] == 1


def test_incomplete_line_is_left_for_later(tmp_path: Path) -> None:
    witness = judge(tmp_path, ("begins", 1))
    with (tmp_path / WITNESS).open("a") as file:
        file.write('{"what": "ends", "pid": 1,')
        file.flush()
        assert witness.read().count_abandoned() == 1
        file.write(f' "lead": {LEAD}}}\n')
    assert witness.read().count_abandoned() == 0


def test_missing_ways_back_are_found() -> None:
    """Seconds from now: until the lead is due in the schedule, and until its lease ends."""
    assert why_stranded(SHORT, due_in=None, lease_ends_in=None) == "neither in the schedule nor in flight"
    assert why_stranded(SHORT, due_in=-5, lease_ends_in=None) == ""
    assert why_stranded(SHORT, due_in=400, lease_ends_in=None) == "in the schedule, much too late"
    assert why_stranded(SHORT, due_in=None, lease_ends_in=1) == ""
    assert why_stranded(SHORT, due_in=None, lease_ends_in=-1) == ""
    assert why_stranded(SHORT, due_in=None, lease_ends_in=1_000) == "in flight without an end"
    assert (
        why_stranded(SHORT, due_in=-5, lease_ends_in=-1_000)
        == "in flight after its lease, and no process checks it"
    )


def test_largest_count_of_a_check_stays() -> None:
    findings = Findings()
    assert not findings
    for count in (0, 2, 1):
        findings.add("lost", count, f"example {count}")
    assert [str(each) for each in findings] == ["lost: 2 (example 2)"]
