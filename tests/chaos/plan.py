"""What happens when: the faults in an order that the seed decides, and how many leads are sent around each."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.chaos.faults import FAULTS
from tests.chaos.periods import SHORT, Periods

KILL: Final = "worker-kill"
# Workers are killed in small groups; every other fault comes once for this number of kills.
KILLS_A_GROUP: Final = 4
KILLS_A_ROUND: Final = 40
# Sent before the first fault, so that every process is at work when it comes.
LEADS_BEFORE: Final = 20
# Sent after each step: both kinds of leads, by which it is seen whether they come up again.
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

    A killed worker is what most of the others would heal by the way, so the last word is its.
    """
    kinds = fitting(faults, periods)
    groups = [KILLS_A_GROUP] * (kills // KILLS_A_GROUP) + [kills % KILLS_A_GROUP] * bool(
        kills % KILLS_A_GROUP
    )
    rounds = max(1, kills // (KILLS_A_GROUP if faults else KILLS_A_ROUND))
    others = [each for each in kinds if each != KILL] * rounds
    steps = [(KILL, size) for size in groups[1:] if KILL in kinds] + [(each, 1) for each in others]
    random.shuffle(steps)
    if KILL in kinds and groups:
        steps.append((KILL, groups[0]))
    shares = max(1, sum(_weight(fault) * times for fault, times in steps))
    each_share = max(1, (leads - LEADS_BEFORE - LEADS_AFTER * len(steps)) // shares)
    return [Step(fault, times, each_share * _weight(fault)) for fault, times in steps]


def fitting(faults: Sequence[str], periods: Periods) -> list[str]:
    """Those of these faults, of all if none are named, that can be judged with these periods.

    With the product's own a lost worker's lease lasts longer than anything else may wait.
    """
    named = [each for each in FAULTS if not faults or each in faults]
    return [each for each in named if periods is SHORT or not FAULTS[each].loses_worker]


def _weight(fault: str) -> int:
    """Around a fault that lasts more leads are sent than around a kill."""
    return 1 if fault == KILL else 2
