"""One run: dialers and web servers are killed again and again around calls, and then everything ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from distribution.reconcile import verifications
from tests.chaos.calls import accounts
from tests.chaos.calls.probes import POINTS
from tests.chaos.calls.stage import Stage, staged
from tests.chaos.playing import Progress, Result, play, read_totals, verify
from tests.chaos.stage import Watch
from tests.support.waiting import TooSlow

# Kills between two faults.
GROUP: Final = 12
CALLS_PER_KILL: Final = 20
FAULTS: Final[Mapping[str, Callable[[Stage], None]]] = {
    "carrier-away": Stage.lose_carrier,
    "redis-flush": Stage.flush_redis,
    "postgres-cut": Stage.cut_postgres,
    "web-kill": Stage.kill_web,
}
TOTALS: Final = """
SELECT (SELECT count(*) FROM routing_lead) AS leads,
    (SELECT count(*) FROM routing_lead WHERE verification = 'call') AS leads_verified,
    (SELECT count(*) FROM routing_lead WHERE status = 'distributed') AS leads_sold,
    (SELECT count(*) FROM routing_lead WHERE status = 'failed') AS leads_not_verified,
    (SELECT count(*) FROM routing_lead WHERE status = 'gated') AS leads_scheduled,
    (SELECT count(*) FROM distribution_call) AS calls,
    (SELECT count(*) FROM distribution_callevent WHERE code = 'unknown') AS calls_unknown_at_first,
    (SELECT count(*) FROM distribution_call WHERE outcome = 'not_placed') AS calls_not_placed,
    (SELECT count(*) FROM distribution_call WHERE ended_by = 'poll') AS calls_ended_by_poll,
    (SELECT count(*) FROM distribution_call WHERE number > 1) AS second_and_later_calls,
    (SELECT count(*) FROM distribution_callnotice) AS reports_stored,
    (SELECT count(*) FROM distribution_callnotice WHERE result = 'nothing_new') AS reports_without_news
"""


@dataclass(frozen=True, slots=True)
class Order:
    """`kills`: at `points`, in turns. `calls`: at least; None: 20 for each kill."""

    kills: int
    seed: int
    without: tuple[str, ...] = ()
    points: tuple[str, ...] = POINTS
    calls: int | None = None
    faults: bool = True

    @property
    def least_calls(self) -> int:
        return self.kills * CALLS_PER_KILL if self.calls is None else self.calls


def run(order: Order, *, directory: Path, on_progress: Progress) -> Result:
    """Needs an empty, migrated database, and a directory for logs and the probes' file."""
    watch, result = Watch(), Result(order)
    with staged(directory, protections=order.without, seed=order.seed) as stage:
        result.findings = stage.findings
        try:
            for number, step in enumerate(make_plan(order), start=1):
                play(stage, step, faults=FAULTS)
                on_progress(f"{number}: {', '.join(step)} ({watch.seconds:.0f} s)")
            stage.wait_for_calls(order.least_calls)
            on_progress(f"{order.least_calls:,} calls ({watch.seconds:.0f} s)")
        except TooSlow as slow:
            stage.findings.add(str(slow), 1)
        stage.drain()
        stage.reconcile()
        close(stage)
        result.seen = stage.seen
    result.totals, result.seconds = read_totals(TOTALS), watch.seconds
    return result


def make_plan(order: Order) -> Iterator[Sequence[str]]:
    """Groups of kills, each with another fault: a list of points and the name of a fault."""
    random = Random(order.seed)
    points = [order.points[number % len(order.points)] for number in range(order.kills)]
    names = [*FAULTS] if order.faults else []
    size = min(GROUP, max(1, order.kills // max(1, len(names))))
    for number, start in enumerate(range(0, order.kills, size)):
        step = [*points[start : start + size], *([names[number % len(names)]] if names else [])]
        random.shuffle(step)
        yield step


def close(stage: Stage) -> None:
    """While the carrier can still be asked."""
    left = verifications.run(fix=False, limit=1_000_000)
    stage.findings.add("found by reconcile verifications", left.found, "".join(left.named[:1]))
    record = stage.carrier.record()
    accounts.examine(stage.findings, record=record, world=stage.world)
    verify(stage.findings)
    for notice in record["notices"]:
        stage.seen[f"reports {notice['fate']}"] += 1
    stage.seen["calls at the carrier"] = len(record["calls"])
