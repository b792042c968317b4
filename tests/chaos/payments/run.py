"""One run: payers and web servers are killed again and again around payments, and then everything ends."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from distribution.reconcile import payments as reconciler
from tests.chaos.payments import accounts
from tests.chaos.payments.probes import POINTS
from tests.chaos.payments.stage import Stage, staged
from tests.chaos.playing import Progress, Result, play, read_totals, verify
from tests.chaos.stage import Watch
from tests.support.waiting import TooSlow

# Kills between two rounds of the reconciler.
GROUP: Final = 12
FAULTS: Final[Mapping[str, Callable[[Stage], None]]] = {
    "refund": Stage.refund,
    "answers-lost": Stage.lose_answers,
    "dispute": Stage.dispute,
    "provider-down": Stage.refuse,
    "postgres-cut": Stage.cut_postgres,
    "web-kill": Stage.kill_web,
}
# These come with every group.
ALWAYS: Final = ("refund", "dispute")
TOTALS: Final = """
SELECT (SELECT count(*) FROM distribution_assignment WHERE state = 'sold') AS sales,
    (SELECT count(*) FROM distribution_cardpayment WHERE state = 'succeeded') AS payments,
    (SELECT count(*) FROM distribution_cardpayment WHERE state = 'surplus') AS surplus_payments,
    (SELECT count(*) FROM distribution_cardpayment WHERE tries > 1) AS payments_sent_again,
    (SELECT count(*) FROM distribution_cardrefund) AS refunds_by_operators,
    (SELECT count(*) FROM distribution_ledgerentry WHERE kind = 'cardrefund') AS refunds_booked,
    (SELECT count(*) FROM distribution_ledgerentry WHERE kind = 'chargeback') AS chargebacks,
    (SELECT count(*) FROM distribution_ledgerentry WHERE kind = 'won_back') AS disputes_won,
    (SELECT count(*) FROM distribution_providerevent) AS webhooks_stored
"""


@dataclass(frozen=True, slots=True)
class Order:
    """`kills`: at `points`, in turns. `webhooks`: False loses all of them."""

    kills: int
    seed: int
    without: tuple[str, ...] = ()
    points: tuple[str, ...] = POINTS
    webhooks: bool = True


def run(order: Order, *, directory: Path, on_progress: Progress) -> Result:
    """Needs an empty, migrated database, and a directory for logs and the probes' file."""
    watch, result = Watch(), Result(order)
    with staged(directory, protections=order.without, seed=order.seed, webhooks=order.webhooks) as stage:
        result.findings = stage.findings
        try:
            for number, step in enumerate(make_plan(order), start=1):
                play(stage, step, faults=FAULTS)
                stage.reconcile()
                on_progress(f"{number}: {', '.join(step)} ({watch.seconds:.0f} s)")
        except TooSlow as slow:
            stage.findings.add(str(slow), 1)
        stage.drain()
        close(stage)
        result.seen = {**stage.seen, **stage.books.postman.seen}
    result.totals, result.seconds = read_totals(TOTALS), watch.seconds
    return result


def make_plan(order: Order) -> Iterator[Sequence[str]]:
    """Groups of kills, each with other faults: a list of points and names of faults."""
    random = Random(order.seed)
    points = [order.points[number % len(order.points)] for number in range(order.kills)]
    others = [name for name in FAULTS if name not in ALWAYS]
    size = min(GROUP, max(1, order.kills // len(others)))
    for number, start in enumerate(range(0, order.kills, size)):
        step = [*points[start : start + size], *ALWAYS, others[number % len(others)]]
        random.shuffle(step)
        yield step


def close(stage: Stage) -> None:
    """While the provider can still be asked."""
    left = reconciler.run(fix=False, limit=1_000_000)
    stage.findings.add("found by reconcile payments", left.repaired + left.skipped, "".join(left.named[:1]))
    accounts.examine(stage.findings, books=stage.books, directory=stage.directory)
    verify(stage.findings)
