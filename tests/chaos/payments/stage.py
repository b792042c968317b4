"""The processes of a run, the provider, the buyers, and how a fault strikes them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final
from uuid import uuid4

import psutil
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from distribution.models import PENDING, CardPayment, PaymentState, Recharge, RefundState
from distribution.payments.asking import ask_refund
from distribution.payments.buying import PaymentRefused
from distribution.payments.settings import change_recharge
from tests.chaos.crew import Crew
from tests.chaos.findings import Findings
from tests.chaos.fleet import Host, hosted
from tests.chaos.payments.books import REFUND_CENTS, Books
from tests.chaos.payments.postman import delivering
from tests.chaos.payments.world import World, build_world
from tests.chaos.playing import read_totals
from tests.chaos.probes import asking
from tests.support.card_provider import KEY, WEBHOOK_SECRET, CardProvider, card_provider
from tests.support.ports import free_port
from tests.support.waiting import TooSlow, wait_until

DELIVERERS: Final = 2
# More leads are sold while fewer payments than this are under way.
LEAST_PENDING: Final = 3
LONGEST_SECONDS: Final = 120.0
# Payments and refunds without an end, and wallets that will be recharged. One statement: between two, a payment may
# begin while its wallet is filled by other means, such as a refund that fails.
UNFINISHED: Final = """
SELECT
    (SELECT count(*) FROM distribution_cardpayment WHERE state = ANY(%(payments)s)) AS payments,
    (SELECT count(*) FROM distribution_cardrefund WHERE state = ANY(%(refunds)s)) AS refunds,
    (SELECT count(*) FROM distribution_wallet WHERE balance_cents - held_cents < recharge_below_cents) AS recharges
"""


@dataclass(slots=True)
class Stage:
    directory: Path
    crew: Crew
    world: World
    books: Books
    random: Random
    findings: Findings = field(default_factory=Findings)
    seen: Counter[str] = field(default_factory=Counter)

    def supply(self) -> None:
        """Keep the payers busy. For conditions that are polled."""
        self.crew.start_missing()
        self.books.tell()
        self.resume()
        if CardPayment.objects.filter(state__in=PENDING).count() < LEAST_PENDING:
            self.world.sell(1)

    def wait(self, condition: Callable[[], bool], *, what: str) -> None:
        wait_until(condition, what=what, seconds=LONGEST_SECONDS)

    def resume(self) -> None:
        """An operator turns a paused recharge on again."""
        for recharge in Recharge.objects.filter(paused_at__isnull=False).select_related("wallet__buyer"):
            change_recharge(recharge.wallet.buyer, {"is_paused": False}, actor="ann", at=timezone.now())
            self.seen["recharges resumed by hand"] += 1

    def kill(self, point: str) -> None:
        """A process dies at this place. Another one takes its place."""
        asked = asking(self.directory, point)
        asked.touch()
        self.wait(lambda: self.supply() or not asked.exists(), what=f"a process that dies: {point}")
        self.seen[f"killed: {point}"] += 1

    def kill_web(self) -> None:
        self.crew.kill_web()
        self.wait(self.crew.serves, what="the web server")

    def cut_postgres(self) -> None:
        self.crew.cut_postgres()

    def lose_answers(self) -> None:
        """The provider does what it is asked, and several answers never arrive."""
        self.books.provider.lose = 2
        self.wait(lambda: self.supply() or self.books.provider.lose == 0, what="answers that are lost")

    def refuse(self) -> None:
        """The provider answers 503."""
        self.books.provider.refuse = 4
        self.wait(lambda: self.supply() or self.books.provider.refuse == 0, what="requests that are refused")

    def refund(self) -> None:
        """An operator refunds a part of a payment, and another person another one on the provider's pages."""
        self.wait(lambda: self.supply() or self.books.refund_outside(), what="a payment to refund")
        paid = CardPayment.objects.filter(state=PaymentState.SUCCEEDED, refunded_cents=0)
        for payment in paid.exclude(provider_id__in=self.books.used).order_by("-pk")[:3]:
            with suppress(PaymentRefused):
                ask_refund(payment, amount_cents=REFUND_CENTS, token=uuid4(), actor="ann", reason="chaos")
                self.books.used.add(str(payment.provider_id))
                self.seen["refunds asked for"] += 1
                return

    def dispute(self) -> None:
        self.wait(lambda: self.supply() or self.books.dispute(), what="a payment to dispute")

    def reconcile(self) -> None:
        """As beat has it run."""
        pid = self.crew.host.start("reconcile", "payments")
        self.wait(lambda: not psutil.pid_exists(pid), what="reconcile payments")

    def drain(self) -> None:
        """Until every payment and refund has an end, and the provider's lists are compared."""
        self.books.postman.send_late_ones()
        try:
            self.wait(self.is_idle, what="the end of every payment")
            self.reconcile()
            self.wait(self.is_idle, what="the end of every payment after the reconciler")
        except TooSlow as slow:
            self.findings.add(str(slow), 1)

    def is_idle(self) -> bool:
        self.crew.start_missing()
        self.books.tell()
        self.books.postman.send_late_ones()
        # The webhooks first: one about a refund may be why a wallet is recharged.
        return self.books.postman.is_idle and not is_unfinished()


def is_unfinished() -> bool:
    """Whether more may be paid or go back without a new lead, refund or dispute."""
    states = {"payments": list(PENDING), "refunds": [RefundState.OPEN]}
    return any(read_totals(UNFINISHED, states).values())


@contextmanager
def staged(directory: Path, *, protections: tuple[str, ...], seed: int, webhooks: bool) -> Iterator[Stage]:
    with (
        card_provider() as provider,
        override_settings(LEADSWITCH_STRIPE=provider.account),
        ExitStack() as stack,
    ):
        hosts = [
            stack.enter_context(_hosting(role, directory, provider, protections=protections))
            for role in ("worker", "web")
        ]
        world = build_world(provider)
        for host in hosts:
            host.wait_until_ready()
        address = f"127.0.0.1:{free_port()}"
        crew = Crew("deliverer", DELIVERERS, *hosts, address)
        crew.start()
        postman = stack.enter_context(delivering(address, seed=seed, loses_all=not webhooks))
        books, random = Books(provider, postman, Random(seed)), Random(seed)
        ready = Stage(directory, crew, world, books, random)
        ready.wait(crew.serves, what="the web server")
        yield ready


def _hosting(
    role: str, directory: Path, provider: CardProvider, *, protections: tuple[str, ...]
) -> AbstractContextManager[Host]:
    environment = {
        "LEADSWITCH_ROLE": role,
        "REDIS_URL": settings.REDIS_URL,
        "LEADSWITCH_STRIPE_SECRET_KEY": KEY,
        "LEADSWITCH_STRIPE_PUBLISHABLE_KEY": "pk_test_12345",
        "LEADSWITCH_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "LEADSWITCH_STRIPE_API_BASE": provider.url,
        "LEADSWITCH_PAYMENTS_POLL_MS": "100",
        "LEADSWITCH_LOG_LEVEL": "INFO",
    }
    log = directory / f"{role}.log"
    return hosted("tests.chaos.payments.host", directory, *protections, log=log, **environment)
