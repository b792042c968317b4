"""The deliverers of a run, its buyers and leads, and how a fault strikes them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from django.conf import settings
from django.utils import timezone

from distribution.deliveries.by_hand import resolve
from distribution.models import OPEN, Delivery, DeliveryState
from routing.models import LeadStatus
from tests.chaos.deliveries.buyers import BuyersSystem, buyers_system
from tests.chaos.deliveries.world import World, build_world
from tests.chaos.findings import Findings
from tests.chaos.fleet import Host, hosted
from tests.chaos.playing import pick_up_due, read_totals
from tests.chaos.probes import asking
from tests.receivers.buyer import ACCEPT
from tests.support.waiting import TooSlow, fetch_value, wait_until

DELIVERERS: Final = 2
# Few, so that a killed process takes few requests with it.
THREADS: Final = "4"
# More leads are sent while fewer messages than this wait.
LEAST_WAITING: Final = 6
LONGEST_SECONDS: Final = 120.0
LIVE: Final = (DeliveryState.PENDING, DeliveryState.POSTING)
# Messages without an end, and leads that are asked for, due, or due within seconds because a buyer was busy. One
# statement: a rejected lead goes to the next buyer, and between two statements neither would have seen it.
UNFINISHED: Final = """
SELECT messages, first_message, leads
FROM (
    SELECT count(*) AS messages, coalesce(min(id), 0) AS first_message
    FROM distribution_delivery WHERE state = ANY(%(open)s)
) sent, (
    SELECT count(*) AS leads FROM routing_lead WHERE status = %(posting)s OR (
        status = %(pending)s AND next_attempt_at <= clock_timestamp() + interval '10 seconds'
    )
) due
"""
STATES: Final = {"open": list(OPEN), "posting": LeadStatus.POSTING, "pending": LeadStatus.PENDING}


@dataclass(slots=True)
class Stage:
    directory: Path
    host: Host
    system: BuyersSystem
    world: World
    pids: list[int]
    findings: Findings = field(default_factory=Findings)
    seen: Counter[str] = field(default_factory=Counter)

    def supply(self) -> None:
        """Keep the deliverers busy. For conditions that are polled."""
        if Delivery.objects.filter(state__in=LIVE).count() < LEAST_WAITING:
            self.world.send(LEAST_WAITING)
        pick_up_due(self.seen)

    def wait(self, condition: Callable[[], bool], *, what: str) -> None:
        wait_until(condition, what=what, seconds=LONGEST_SECONDS)

    def kill(self, point: str) -> None:
        """One deliverer dies at this point. Another one takes its place."""
        asked = asking(self.directory, point)
        asked.touch()

        def is_dead() -> bool:
            self.supply()
            ended = self.start_missing()
            is_unmet = asked.exists()  # the file goes before the process does
            if is_unmet:
                self.findings.add("deliverers that ended by themselves", ended)
            return ended > 0 and not is_unmet

        self.wait(is_dead, what=f"a deliverer that dies: {point}")
        self.seen[f"killed: {point}"] += 1

    def start_missing(self) -> int:
        """Returns how many deliverers had ended."""
        ended = [place for place, pid in enumerate(self.pids) if not psutil.pid_exists(pid)]
        for place in ended:
            self.pids[place] = self.host.start("deliverer")
        return len(ended)

    def wait_for_tries(self, count: int, *, outcomes: tuple[str, ...]) -> None:
        """Until this many more tries ended like this."""
        goal = count_tries(outcomes) + count
        self.wait(
            lambda: self.supply() or count_tries(outcomes) >= goal,
            what=f"{count} tries: {', '.join(outcomes)}",
        )

    def wait_for_requests(self, count: int) -> None:
        """Until the buyers got this many more."""
        goal = self.system.count_requests() + count
        self.wait(
            lambda: self.supply() or self.system.count_requests() >= goal, what="requests to the buyers"
        )

    def resolve_unknowns(self) -> None:
        """A person asks each buyer whether it has the lead."""
        waiting = list(Delivery.objects.filter(state=DeliveryState.UNKNOWN))
        verdicts = self.system.read_verdicts() if waiting else {}
        for row in waiting:
            is_accepted = verdicts.get(row.message_id) == ACCEPT
            end = DeliveryState.ACCEPTED if is_accepted else DeliveryState.REJECTED
            resolve(row.pk, state=end, at=timezone.now(), actor="ann", reason="asked the buyer")
            self.seen[f"unknown, {end.value} by a person"] += 1

    def drain(self) -> None:
        """Until every message has an end, and no lead is due."""

        def is_drained() -> bool:
            self.start_missing()
            self.resolve_unknowns()
            pick_up_due(self.seen)
            return not is_unfinished()

        try:
            self.wait(is_drained, what="the end of every message")
        except TooSlow:
            add_unfinished(self.findings)


def is_unfinished() -> bool:
    """Whether a buyer may still get a message. When none may, the buyers' records and the tables stay the same."""
    return any(read_totals(UNFINISHED, STATES).values())


def add_unfinished(findings: Findings) -> None:
    left = read_totals(UNFINISHED, STATES)
    findings.add("messages without an end", left["messages"], f"delivery {left['first_message']}")
    findings.add("leads that are still due", left["leads"])


def count_tries(outcomes: tuple[str, ...]) -> int:
    return int(
        fetch_value("SELECT count(*) FROM distribution_deliverytry WHERE outcome = ANY(%s)", [list(outcomes)])
    )


@contextmanager
def staged(directory: Path, *, protections: tuple[str, ...]) -> Iterator[Stage]:
    environment = {
        "LEADSWITCH_ROLE": "worker",
        "REDIS_URL": settings.REDIS_URL,
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "LEADSWITCH_DELIVERER_THREADS": THREADS,
        "LEADSWITCH_LOG_LEVEL": "INFO",
    }
    log = directory / "deliverers.log"
    with (
        buyers_system(directory / "received.jsonl") as system,
        hosted("tests.chaos.deliveries.host", directory, *protections, log=log, **environment) as host,
    ):
        world = build_world(system.receiver)
        host.wait_until_ready()
        yield Stage(directory, host, system, world, pids=[host.start("deliverer") for _ in range(DELIVERERS)])
