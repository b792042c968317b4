"""Two faults at once: a lasting outage, and within it another outage or a killed process. The seed chooses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tests.chaos.outages import OUTAGES, end_sessions
from tests.chaos.stage import Stage

READ_ONLY: Final = "postgres-read-only"


def kill_worker(stage: Stage) -> None:
    stage.fleet.kill_worker(stage.random.choice(stage.fleet.workers))


def kill_dispatcher(stage: Stage) -> None:
    """Any dispatcher, because Redis cannot be read to find the leader."""
    stage.fleet.kill_dispatcher(stage.random.choice(stage.fleet.dispatchers))


def kill_web(stage: Stage) -> None:
    stage.fleet.kill_web()


DEATHS: Final[Mapping[str, Callable[[Stage], None]]] = {
    "worker-kill": kill_worker,
    "dispatcher-kill": kill_dispatcher,
    "web-kill": kill_web,
    "postgres-cut": end_sessions,
}
PAIRS: Final[Sequence[tuple[str, str]]] = [
    *((outage, death) for outage in OUTAGES for death in DEATHS),
    *((outage, READ_ONLY) for outage in OUTAGES if outage != READ_ONLY),
]


def strike_two(stage: Stage, leads: int) -> None:
    first, second = stage.random.choice(PAIRS)
    stage.pairs[f"{first} and {second} at once"] += 1
    stage.wait_for_leader()
    stage.send(leads // 2)
    stage.wait_for_work(leads // 2)
    strike = stage.strike()
    refused = stage.senders.seen["repeated after 503"]
    with OUTAGES[first](stage):
        if second in OUTAGES:
            with OUTAGES[second](stage):
                stage.send(leads - leads // 2)
                stage.wait_for_refusal(since=refused)
        else:
            DEATHS[second](stage)
            stage.send(leads - leads // 2)
        if first == READ_ONLY:
            stage.wait_for_refusal(since=refused)
        else:
            stage.wait_until_a_dispatcher_works(strike.at)
    stage.fleet.wait_until_serving()
