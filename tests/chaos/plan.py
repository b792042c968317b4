"""The order of the faults, which the seed decides, and the number of leads that are sent around each."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.chaos.faults import FAULTS
from tests.chaos.periods import SHORT, Periods

KILL: Final = "worker-kill"
# Workers are killed in small groups. Every other fault comes once for this number of kills.
KILLS_PER_GROUP: Final = 4
KILLS_PER_ROUND: Final = 40
# Sent before the first fault, so that every process is working when it strikes.
LEADS_BEFORE: Final = 20
# Sent after each step: both kinds of leads, which show whether leads start again.
LEADS_AFTER: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """`leads`: for each of the `times`."""

    fault: str
    times: int
    leads: int


def make_plan(
    *, leads: int, kills: int, random: Random, faults: Sequence[str] = (), periods: Periods = SHORT
) -> list[Step]:
    """Every fault at least once (or only those named), `kills` kills of workers among them, and one at the end.

    Most other faults would also repair the effect of a killed worker, so a kill comes last.
    """
    kinds = fitting(faults, periods)
    groups = [KILLS_PER_GROUP] * (kills // KILLS_PER_GROUP) + [kills % KILLS_PER_GROUP] * bool(
        kills % KILLS_PER_GROUP
    )
    rounds = max(1, kills // (KILLS_PER_GROUP if faults else KILLS_PER_ROUND))
    others = [each for each in kinds if each != KILL] * rounds
    steps = [(KILL, size) for size in groups[1:] if KILL in kinds] + [(each, 1) for each in others]
    random.shuffle(steps)
    if KILL in kinds and groups:
        steps.append((KILL, groups[0]))
    shares = max(1, sum(_weight(fault) * times for fault, times in steps))
    each_share = max(1, (leads - LEADS_BEFORE - LEADS_AFTER * len(steps)) // shares)
    return [Step(fault, times, each_share * _weight(fault)) for fault, times in steps]


def fitting(faults: Sequence[str], periods: Periods) -> list[str]:
    """Return those of these faults (of all, if none are named) that can be judged with these periods.

    With the product's own periods a lost worker's lease lasts longer than any other wait.
    """
    named = [each for each in FAULTS if not faults or each in faults]
    return [each for each in named if periods is SHORT or not FAULTS[each].loses_worker]


def _weight(fault: str) -> int:
    """A lasting fault gets more leads than a kill."""
    return 1 if fault == KILL else 2
