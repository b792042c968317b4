"""A wallet that fills itself: a sale takes it below its threshold, a card pays, and the next lead goes out.

Then the card is replaced by one that the bank declines: the recharge is paused. Everything goes through the real API
and the real payer. The provider is a process of its own that speaks as Stripe does (card_provider.py).
"""

import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction

from distribution.models import Buyer, BuyerKey, BuyerScope, Campaign, CardPayment, Enrollment, Recharge, Tier
from distribution.money.wallet import top_up
from leadswitch.demo.build import ACTOR, Demo
from leadswitch.demo.card_provider import DECLINED, PAYS
from leadswitch.demo.direct_post import ask, post, save
from leadswitch.demo.send import SendingFailed
from routing.access.api_keys import Author, issue
from routing.models import Workspace

SECRET: Final = "whsec_of_the_demo"  # noqa: S105 - of a provider that only the demo has
VERTICAL: Final = "fencing"
PRICE_CENTS: Final = 4_500
CREDITS_CENTS: Final = 6_000
RECHARGE: Final = {
    "is_on": True,
    "threshold_cents": 5_000,
    "amount_cents": 6_000,
    "day_limit_cents": 30_000,
    "week_limit_cents": 30_000,
    "month_limit_cents": 60_000,
}
WAIT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class RunningProvider:
    address: str

    @property
    def environment(self) -> Mapping[str, str]:
        """With which the product takes it for Stripe."""
        return {
            "LEADSWITCH_STRIPE_SECRET_KEY": "sk_test_of_the_demo",
            "LEADSWITCH_STRIPE_PUBLISHABLE_KEY": "pk_test_of_the_demo",
            "LEADSWITCH_STRIPE_WEBHOOK_SECRETS": SECRET,
            "LEADSWITCH_STRIPE_API_BASE": self.address,
            "LEADSWITCH_STRIPE_JS_URL": f"{self.address}/v3/",
        }

    def ask(self, path: str, **fields: str) -> None:
        body = urllib.parse.urlencode(fields).encode()
        urllib.request.urlopen(f"{self.address}{path}", body, timeout=WAIT_SECONDS).close()  # noqa: S310 - our own


@contextmanager
def running_provider() -> Iterator[RunningProvider]:
    """It runs before the product, which needs its address, and is stopped afterwards."""
    command = [sys.executable, "-m", "leadswitch.demo.card_provider", "--secret", SECRET]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            yield RunningProvider(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()


def play(demo: Demo, *, address: str, provider: RunningProvider) -> Buyer:
    """`address`: of the product. Raises SendingFailed."""
    provider.ask("/_demo/webhook", url=f"{address}/api/v1/payments/stripe/webhook/")
    buyer, key = build(demo.workspace)
    turn_on(key, address=address, provider=provider)
    _send("nora", demo, address=address)
    _wait(lambda: _count(buyer, state="succeeded") == 1, what="the recharge was not credited")
    _add_card(_Api(address, key), provider, number=DECLINED)
    _send("omar", demo, address=address)
    _wait(
        lambda: Recharge.objects.filter(wallet__buyer=buyer, paused_at__isnull=False).exists(),
        what="the declined recharge was not paused",
    )
    return buyer


def turn_on(key: str, *, address: str, provider: RunningProvider) -> None:
    """As a buyer does: add a card, and have it charged below a threshold. Raises SendingFailed."""
    api = _Api(address, key)
    _add_card(api, provider, number=PAYS)
    api.change("recharge/", RECHARGE)


@transaction.atomic
def build(workspace: Workspace) -> tuple[Buyer, str]:
    """A campaign with one buyer, whose credits pay for one lead. Returns an API key as well."""
    campaign = Campaign(
        workspace=workspace,
        name="Fencing, prepaid by card",
        vertical=VERTICAL,
        mode="priority",
        price_cents=PRICE_CENTS,
    )
    save(campaign)
    tier = save(Tier(campaign=campaign, position=1, name=""))
    buyer = Buyer(
        workspace=workspace,
        name="Chattahoochee Fencing",
        timezone="America/New_York",
        service_area={"states": ["GA"]},
    )
    save(buyer)
    key = f"demo:{buyer.public_id}"
    top_up(buyer.pk, amount_cents=CREDITS_CENTS, key=key, actor=ACTOR, reason="opening balance")
    save(Enrollment(campaign=campaign, tier=tier, buyer=buyer))
    row = BuyerKey(buyer=buyer, name="demo", scopes=[BuyerScope.WALLET_READ, BuyerScope.MONEY_WRITE])
    return buyer, issue(row, at=datetime.now(UTC), by=Author(ACTOR)).text


@dataclass(frozen=True, slots=True)
class _Api:
    """The buyer's API, with its key. `address`: of the product."""

    address: str
    key: str

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return post(self._find(path), body, Authorization=f"Api-Key {self.key}")

    def change(self, path: str, body: Mapping[str, Any]) -> None:
        """Its version does not matter: no other program changes it."""
        headers = {"Authorization": f"Api-Key {self.key}", "If-Match": "*"}
        ask("PATCH", self._find(path), body, **headers)

    def _find(self, path: str) -> str:
        return f"{self.address}/api/v1/buyer/{path}"


def _add_card(api: _Api, provider: RunningProvider, *, number: str) -> None:
    """The number goes to the provider only, as from a browser."""
    setup = api.post("card/setup/", {})
    provider.ask(
        f"/v1/setup_intents/{setup['setup_id']}/confirm", client_secret=setup["client_secret"], number=number
    )
    api.post("card/setup/finish/", {"setup_id": setup["setup_id"]})


def _send(name: str, demo: Demo, *, address: str) -> None:
    """Send a lead, and wait until it is sold."""
    lead = {
        "first_name": name.title(),
        "last_name": "Fence",
        "email": f"{name}.fence@example.com",
        "zip": "30312",
        "vertical": VERTICAL,
        "external_id": f"fence-{name}",
    }
    headers = {"Authorization": f"Api-Key {demo.key}", "Prefer": f"wait={int(WAIT_SECONDS)}"}
    answer = post(f"{address}/api/v1/leads/", lead, **headers)
    if answer["status"] != "distributed":
        message = f"the lead of {name} was not sold: {answer['status']}"
        raise SendingFailed(message)


def _count(buyer: Buyer, *, state: str) -> int:
    return CardPayment.objects.filter(wallet__buyer=buyer, state=state).count()


def _wait(is_so: Callable[[], bool], *, what: str) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise SendingFailed(f"{what} in time")
        time.sleep(POLL_SECONDS)
