"""One run: deliverers are killed again and again, between faults of the buyers' systems, and then everything ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos.deliveries import accounts
from tests.chaos.deliveries.faults import FAULTS
from tests.chaos.deliveries.probes import ANSWERED, ASKING, RECORDED, SETTLED
from tests.chaos.deliveries.stage import Stage, staged
from tests.chaos.playing import Progress, Result, play, read_totals, verify
from tests.chaos.stage import Watch
from tests.support.waiting import TooSlow

# Kills between two faults.
GROUP: Final = 10
# Between the request and the commit of its result.
BETWEEN: Final = (ANSWERED, SETTLED)
# One of each comes with a group.
OTHERS: Final = (ASKING, RECORDED)
TOTALS: Final = """
SELECT (SELECT count(*) FROM routing_lead) AS leads, (SELECT count(*) FROM distribution_delivery) AS messages,
    (SELECT count(*) FROM distribution_deliverytry) AS tries,
    (SELECT count(*) FROM distribution_deliverytry WHERE outcome = 'worker_lost') AS lost_tries,
    (SELECT count(*) FROM distribution_assignment WHERE state = 'sold') AS sales,
    (SELECT count(*) FROM distribution_assignment WHERE state = 'rejected') AS rejections
"""


@dataclass(frozen=True, slots=True)
class Order:
    """`kills`: between a request and the commit of its result. `faults`: False leaves the buyers' systems alone."""

    kills: int
    seed: int
    without: tuple[str, ...] = ()
    faults: bool = True


def run(order: Order, *, directory: Path, on_progress: Progress) -> Result:
    """Needs an empty, migrated database, and a directory for logs and records."""
    watch, result = Watch(), Result(order)
    with staged(directory, protections=order.without) as stage:
        result.findings = stage.findings
        try:
            for number, step in enumerate(make_plan(order), start=1):
                play(stage, step, faults=FAULTS)
                on_progress(f"{number}: {', '.join(step)} ({watch.seconds:.0f} s)")
        except TooSlow as slow:
            stage.findings.add(str(slow), 1)
        stage.drain()
        close(stage)
        result.seen = {**stage.seen, "requests that the buyers got": stage.system.count_requests()}
    result.totals, result.seconds = read_totals(TOTALS), watch.seconds
    return result


def make_plan(order: Order) -> Iterator[Sequence[str]]:
    """Groups of kills, each with one fault: a list of points and the name of a fault."""
    random = Random(order.seed)
    points = [BETWEEN[number % len(BETWEEN)] for number in range(order.kills)]
    faults = random.sample([*FAULTS], len(FAULTS)) if order.faults else []
    size = min(GROUP, max(1, order.kills // max(1, len(faults))))
    for number, start in enumerate(range(0, order.kills, size)):
        group = points[start : start + size]
        others = [*OTHERS, faults[number % len(faults)]] if faults else []
        step = [*group, *others]
        random.shuffle(step)
        yield step


def close(stage: Stage) -> None:
    accounts.examine(stage.findings, verdicts=stage.system.read_verdicts())
    verify(stage.findings)
