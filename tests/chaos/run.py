"""One run: the processes, the senders, the plan, the checks after each step, and the account at the end."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import redis
from django.db import connection

from distribution.verify import run_verification
from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths, make_directories
from tests.chaos import accounts
from tests.chaos.evidence import Repairs, Witness
from tests.chaos.faults import FAULTS
from tests.chaos.findings import Findings
from tests.chaos.fleet import fleet
from tests.chaos.periods import SHORT, Periods
from tests.chaos.plan import LEADS_AFTER, LEADS_BEFORE, Step, make_plan
from tests.chaos.sending import sending
from tests.chaos.stage import CAME_UP, Stage, Strike, Watch
from tests.chaos.unfinished import count_unfinished, describe_unfinished
from tests.chaos.waybacks import find_stranded, read_overdue
from tests.chaos.world import build_world
from tests.support.waiting import TooSlow, fetch_value

# Until the processes have loaded the product, on a slow machine. No fault has happened yet.
START_SECONDS: Final = 60.0
# How an attempt may end whose lead another process took, other than by being discarded.
LOSSES: Final = ("gave up beside another", "taken after a rollback")


@dataclass(frozen=True, slots=True)
class Order:
    """The options of a run. `faults`: only these; empty: all."""

    leads: int
    kills: int
    seed: int
    without: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    drains_each: bool = True  # after each step, not only after the last
    periods: Periods = SHORT
    pile: int = 200_000  # leads of a paused workspace, while Redis is flushed


@dataclass(slots=True)
class Played:
    """The measurements of one step.

    `resumed_seconds`: from the strike until both kinds of leads start again. `drained_seconds`: from then until every
    lead has ended or has a due time. None: not waited for.
    """

    step: Step
    inflight: int = 0
    resumed_seconds: float = 0.0
    way_back_seconds: float = 0.0
    drained_seconds: float | None = None
    repaired: dict[str, int] = field(default_factory=dict)
    verify_seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    is_stuck: bool = False


@dataclass(slots=True)
class Result:
    order: Order
    steps: list[Played] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    seconds: float = 0.0
    drained_seconds: float = 0.0
    totals: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)


class Stuck(Exception):
    """Leads are stuck. They are in the findings."""


Progress = Callable[[str], object]


def run(order: Order, *, directory: Path, on_progress: Progress) -> Result:
    """Needs an empty, migrated database, and a directory for Redis, logs and the probes' file."""
    random = Random(order.seed)
    result, watch = Result(order), Watch()
    with staged(order, directory, random) as stage:
        plan = make_plan(
            leads=order.leads, kills=order.kills, random=random, faults=order.faults, periods=order.periods
        )
        start(stage)
        on_progress(f"started after {watch.seconds:.1f} s: {len(plan)} steps")
        for number, step in enumerate(plan, start=1):
            played = play(stage, step, drains=order.drains_each)
            result.steps.append(played)
            on_progress(f"{number}/{len(plan)} {describe(played)}")
            if played.is_stuck:
                break  # every later step would time out
        else:
            stage.send(max(0, order.leads - len(stage.senders.numbers)))
        close(stage, result)
    result.seconds = watch.seconds
    return result


def close(stage: Stage, result: Result) -> None:
    """Wait until all leads have ended, and write the account."""
    with suppress(Stuck):  # it is in the findings
        result.drained_seconds = wait_until_drained(stage)
    check_evidence(stage)
    accounts.examine(stage.findings, numbers=stage.senders.numbers)
    refused = stage.senders.refused
    stage.findings.add("good requests refused", len(refused), "".join(refused[:1]))
    verify(stage)
    result.findings = stage.findings
    result.totals, result.ends = accounts.read_totals(), accounts.read_ends()
    result.seen = {
        **stage.senders.seen,
        **stage.pairs,
        "leads claimed from the schedule": stage.claims.claimed,
        **{f"{name} that ended by themselves": count for name, count in stage.fleet.ended.items()},
        "attempts killed in the middle": stage.witness.count_abandoned(),
        **{name: stage.witness.seen[name] for name in LOSSES},
    }


@contextmanager
def staged(order: Order, directory: Path, random: Random) -> Iterator[Stage]:
    with own_redis(directory) as services:
        url = embedded_redis.redis_url(services)
        world = build_world(leads=order.leads)
        with (
            redis.Redis.from_url(url, decode_responses=True) as client,
            fleet(directory, redis_url=url, protections=order.without, periods=order.periods) as started,
            sending(world, started.address, seed=order.seed) as senders,
        ):
            yield Stage(
                directory=directory,
                fleet=started,
                world=world,
                senders=senders,
                services=services,
                client=client,
                witness=Witness(directory),
                repairs=Repairs(started.log),
                random=random,
                periods=order.periods,
                pile=order.pile,
            )


@contextmanager
def own_redis(directory: Path) -> Iterator[ServicePaths]:
    """A server that may be killed and flushed, separate from the checkout's server."""
    services = ServicePaths.of(directory)
    make_directories(services)
    embedded_redis.start(services)
    try:
        yield services
    finally:
        embedded_redis.stop(services)
        shutil.rmtree(services.socket_dir, ignore_errors=True)


def start(stage: Stage) -> None:
    """Every process is working: a dispatcher leads, and both due and delayed leads start."""
    stage.wait(lambda: stage.read_leader() != 0, what="a dispatcher that leads", seconds=START_SECONDS)
    before = fetch_value("SELECT clock_timestamp()")
    stage.send(LEADS_BEFORE)
    stage.wait(
        lambda: read_came_up(Strike(before, 0)) is not None, what="the first leads", seconds=START_SECONDS
    )


def play(stage: Stage, step: Step, *, drains: bool) -> Played:
    played = Played(step)
    before = Counter(stage.repairs.read().repaired)
    first = len(stage.strikes)
    try:
        for _ in range(step.times):
            FAULTS[step.fault].strike(stage, step.leads)
        stage.send(LEADS_AFTER)
        for strike in stage.strikes[first:]:
            played.inflight += strike.inflight
        played.resumed_seconds = wait_until_it_goes_on(stage, stage.strikes[-1])
        played.way_back_seconds = wait_for_ways_back(stage)
        if drains:
            played.drained_seconds = wait_until_drained(stage)
    except TooSlow as slow:
        stage.findings.add(f"{step.fault}: {slow}", 1)
        played.is_stuck = True
    except Stuck:
        played.is_stuck = True
    check_evidence(stage)
    played.verify_seconds = verify(stage)
    played.repaired = dict(stage.repairs.read().repaired - before)
    played.broken = [str(each) for each in stage.findings]
    return played


def wait_until_it_goes_on(stage: Stage, strike: Strike) -> float:
    """Until a new lead and a delayed lead have started after the strike."""
    came_up: list[float] = []

    def goes_on() -> bool:
        seconds = read_came_up(strike)
        came_up[:] = [] if seconds is None else [seconds]
        return seconds is not None

    stage.wait(goes_on, what="leads that come up again")
    return came_up[0]


def read_came_up(strike: Strike) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(CAME_UP, {"at": strike.at})
        now, later = cursor.fetchone()
    return None if now is None or later is None else max(0.0, float(now), float(later))


def wait_for_ways_back(stage: Stage) -> float:
    """Until every overdue lead starts by itself. Raises Stuck."""
    watch = Watch()
    try:
        stage.wait(
            lambda: not find_stranded(stage.client, read_overdue(), periods=stage.periods), what="ways back"
        )
    except TooSlow:
        stranded = find_stranded(stage.client, read_overdue(), periods=stage.periods)
        stage.findings.add("overdue leads without a way back", len(stranded), "".join(stranded[:1]))
        raise Stuck from None
    return watch.seconds


def wait_until_drained(stage: Stage) -> float:
    """Until every sent lead has ended or has a due time that the periods explain. Raises Stuck.

    And until every attempt has ended: one that lost its lead to another process notices after the lead's end.
    """
    watch = Watch()
    try:
        stage.wait(
            lambda: (
                not stage.senders.unanswered
                and count_unfinished() == 0
                and stage.witness.read().count_running() == 0
            ),
            what="the end of all leads",
        )
    except TooSlow:
        left = describe_unfinished(stage.client)
        stage.findings.add("leads that neither ended nor wait for a time", len(left), "".join(left[:1]))
        stage.findings.add("requests without an answer", stage.senders.unanswered)
        raise Stuck from None
    return watch.seconds


def check_evidence(stage: Stage) -> None:
    seen = stage.witness.read().seen
    stage.claims.read(stage.client)
    stage.findings.add("leads started by two at once", seen["two at once"])
    stage.findings.add("attempts discarded because another process had the lead", seen["thrown away"])
    stage.findings.add("claims by a dispatcher that did not lead", stage.claims.foreign)
    stage.findings.add("leads claimed that another claim had already moved", stage.claims.gone)


def verify(stage: Stage) -> float:
    report = run_verification()
    for invariant, findings in report.results:
        example = str(findings.examples[0]) if findings.examples else ""
        stage.findings.add(f"verify {invariant.number}, {invariant.name}", findings.breaches, example)
    return report.seconds


def describe(played: Played) -> str:
    repaired = ", ".join(f"{name} {count}" for name, count in sorted(played.repaired.items())) or "nothing"
    times = f" x {played.step.times}" if played.step.times > 1 else ""
    end = f"BROKEN: {'; '.join(played.broken)}" if played.broken else "verify holds"
    return (
        f"{FAULTS[played.step.fault].title}{times}: {played.inflight} in flight, resumed after"
        f" {played.resumed_seconds:.2f} s, repaired {repaired}; {end} ({played.verify_seconds:.1f} s)"
    )
