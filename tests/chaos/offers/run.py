"""One run: processes are killed again and again around claims and the end of offers, and then everything ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from distribution.reconcile import offers as reconciler
from tests.chaos.offers import accounts
from tests.chaos.offers.probes import POINTS
from tests.chaos.offers.stage import Stage, staged
from tests.chaos.playing import Progress, Result, play, read_totals, verify
from tests.chaos.stage import Watch
from tests.support.waiting import TooSlow

# Kills between two faults.
GROUP: Final = 10
FAULTS: Final[Mapping[str, Callable[[Stage], None]]] = {
    "web-kill": Stage.kill_web,
    "worker-kill": Stage.kill_worker,
    "dispatcher-kill": Stage.kill_dispatcher,
    "postgres-cut": Stage.cut_postgres,
}
TOTALS: Final = """
SELECT (SELECT count(*) FROM routing_lead) AS leads, (SELECT count(*) FROM distribution_offer) AS offers,
    (SELECT count(*) FROM distribution_offer WHERE end_reason = 'claimed') AS claimed_offers,
    (SELECT count(*) FROM distribution_offer WHERE end_reason = 'window_over') AS offers_that_ran_out,
    (SELECT count(*) FROM distribution_offerbuyer WHERE claimed_at IS NOT NULL) AS claims,
    (SELECT count(*) FROM distribution_offerbuyer WHERE lost_reason = 'taken') AS lost_claims,
    (SELECT count(*) FROM distribution_assignment WHERE state = 'sold') AS sales
"""


@dataclass(frozen=True, slots=True)
class Order:
    """`kills`: at the places of `POINTS`. `faults`: False leaves out the others."""

    kills: int
    seed: int
    without: tuple[str, ...] = ()
    faults: bool = True


def run(order: Order, *, directory: Path, on_progress: Progress) -> Result:
    """Needs an empty, migrated database, and a directory for Redis, logs and the probes' file."""
    watch, result = Watch(), Result(order)
    with staged(directory, protections=order.without, seed=order.seed) as stage:
        result.findings = stage.findings
        try:
            for number, step in enumerate(make_plan(order), start=1):
                play(stage, step, faults=FAULTS)
                on_progress(f"{number}: {', '.join(step)} ({watch.seconds:.0f} s)")
        except TooSlow as slow:
            stage.findings.add(str(slow), 1)
        stage.drain()
        result.seen = stage.seen
    close(stage)
    result.seen = {**stage.seen, **stage.books.seen}
    result.totals, result.seconds = read_totals(TOTALS), watch.seconds
    return result


def make_plan(order: Order) -> Iterator[Sequence[str]]:
    """Groups of kills, each with one other fault: a list of points and the name of a fault."""
    random = Random(order.seed)
    points = [POINTS[number % len(POINTS)] for number in range(order.kills)]
    faults = random.sample([*FAULTS], len(FAULTS)) if order.faults else []
    size = min(GROUP, max(1, order.kills // max(1, len(faults))))
    for number, start in enumerate(range(0, order.kills, size)):
        step = (
            [*points[start : start + size], *faults[number % len(faults) :][:1]]
            if faults
            else points[start:][:size]
        )
        random.shuffle(step)
        yield step


def close(stage: Stage) -> None:
    """When the buyers have their answers, and no process runs any more."""
    accounts.examine(stage.findings, books=stage.books)
    left = reconciler.run(fix=False, limit=1_000)
    stage.findings.add("found by reconcile offers", left.checked, "".join(left.named[:1]))
    verify(stage.findings)
