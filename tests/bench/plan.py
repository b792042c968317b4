"""How much is measured: sizes, rounds and counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

PRODUCT: Final = "product"
BY_HAND: Final = "by_hand"
PLAIN_ORM: Final = "plain_orm"
LOOPS: Final = (PRODUCT, BY_HAND, PLAIN_ORM)

# The pool for measurements of waiting leads.
WAITING_BUYERS: Final = 20

# A median needs at least three rounds; more separate noise from cost better.
MIN_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """`leads` is for each loop and round, by the number of enrolled buyers."""

    leads: Mapping[int, int]
    worker_counts: tuple[int, ...]
    rounds: int
    requests: int
    connections: int = 8
    retries: int = 500  # in the queue of each round
    ways: int = 200  # leads sent from end to end
    rule_counts: tuple[int, ...] = (10, 100, 1000)
    rule_checks: int = 1_000_000  # rules checked in a round, approximately
    deliveries: int = 1_000  # requests to a receiver in each round
    posts: int = 200  # direct posts, one after the other
    paced: int = 300  # messages at a steady pace in each turn
    pings: int = 1_000  # of each size, one after the other
    ping_sizes: tuple[int, ...] = (21, 201)  # enrolled buyers; no other part has a pool of these sizes
    claims: int = 200  # in each round, by each loop
    claim_requests: int = 600  # over HTTP
    openings: int = 100  # that each listener hears
    listeners: tuple[int, ...] = (0, 200, 1000)
    closings: int = 300
    missed: int = 3_000  # leads that one buyer missed
    call_lines: int = 200  # that are kept busy
    ring_seconds: int = 20  # of each call, without an answer
    busy_seconds: float = 60
    begins: int = 300  # calls that are begun and not placed, by each loop
    waiting: int = 100_000  # leads without a free line
    idle_seconds: float = 20
    # The driver prepares a statement after 5 executions, and the server chooses a generic plan after 5 more.
    warm_up: int = 12

    @classmethod
    def full(cls) -> Self:
        return cls(leads={10: 300, 100: 100, 1000: 20}, worker_counts=(1, 2), rounds=5, requests=1500)

    @classmethod
    def quick(cls) -> Self:
        """Enough to show that everything runs, too little to measure speed."""
        return cls(
            leads={10: 12, 100: 4, 1000: 2},
            worker_counts=(1, 2),
            rounds=MIN_ROUNDS,
            requests=40,
            warm_up=2,
            retries=10,
            ways=5,
            rule_checks=10_000,
            deliveries=40,
            posts=5,
            paced=10,
            pings=20,
            claims=10,
            claim_requests=40,
            openings=5,
            listeners=(0, 40, 80),
            closings=20,
            missed=30,
            call_lines=10,
            ring_seconds=1,
            busy_seconds=5,
            begins=20,
            waiting=2_000,
            idle_seconds=2,
        )

    def with_leads(self, count: int) -> "Plan":
        """Return a plan with `count` leads at 10 buyers, and larger pools in proportion."""
        first = next(iter(self.leads.values()))
        return replace(
            self, leads={size: max(2, round(count * was / first)) for size, was in self.leads.items()}
        )

    def with_rounds(self, rounds: int) -> "Plan":
        return replace(self, rounds=rounds)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self.leads)
