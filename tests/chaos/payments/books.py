"""What the provider did: payments, refunds and disputes, and a webhook about each."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.chaos.payments.postman import Postman
from tests.support.card_provider import CardProvider

REFUND_CENTS: Final = 700
INTENT: Final = "payment_intent"


@dataclass(slots=True)
class Books:
    """`refunded`: in all, by payment intent. `used`: intents that were refunded or disputed."""

    provider: CardProvider
    postman: Postman
    random: Random
    read: int = 0
    intents: list[dict[str, Any]] = field(default_factory=list)
    refunded: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    used: set[str] = field(default_factory=set)
    outside: int = 0

    def tell(self) -> None:
        """Send the webhooks about what came through the proxy since the last call."""
        made = self.provider.made[self.read :]
        self.read += len(made)
        for each in made:
            if each["object"] == INTENT:
                self._tell_intent(each)
            else:
                self._tell_refund(self._find(each["payment_intent"]), int(each["amount"]))

    def refund_outside(self) -> bool:
        """Somebody refunds a payment on the provider's own pages. Every third time no webhook comes of it."""
        intent = self._choose()
        if intent is None:
            return False
        self.provider.ask("POST", "/v1/refunds", payment_intent=intent["id"], amount=REFUND_CENTS)
        self._tell_refund(intent, REFUND_CENTS, fate=self._choose_fate())
        return True

    def dispute(self) -> bool:
        """A cardholder disputes a payment, or the bank decides about the last dispute."""
        disputes = self.provider.disputes
        if disputes and disputes[-1]["status"] == "needs_response":
            disputes[-1]["status"] = self.random.choice(["won", "lost"])
            self.postman.send("charge.dispute.closed", dict(disputes[-1]))
            return True
        intent = self._choose()
        if intent is None:
            return False
        disputes.append(make_dispute(intent, number=len(disputes)))
        self.postman.send("charge.dispute.created", dict(disputes[-1]), fate=self._choose_fate())
        return True

    def expected_cents(self) -> dict[str, int]:
        """By customer: what was paid, less what went back. The disputes that are not won went back."""
        left: dict[str, int] = defaultdict(int)
        customers = {}
        for intent in self.provider.list_payments():
            customers[intent["id"]] = intent["customer"]
            left[intent["customer"]] += intent["amount"] if intent["status"] == "succeeded" else 0
        for refund in self.provider.list_refunds():
            left[customers[refund["payment_intent"]]] -= refund["amount"]
        for dispute in self.provider.disputes:
            left[customers[dispute["payment_intent"]]] -= (
                0 if dispute["status"] == "won" else dispute["amount"]
            )
        return left

    def _tell_intent(self, intent: dict[str, Any]) -> None:
        self.intents.append(intent)
        self.postman.send("payment_intent.processing", {**intent, "status": "processing"})
        self.postman.send("payment_intent.succeeded", intent)

    def _tell_refund(self, intent: dict[str, Any], cents: int, *, fate: str = "") -> None:
        self.refunded[intent["id"]] += cents
        self.postman.send(
            "charge.refunded", make_charge(intent, refunded_cents=self.refunded[intent["id"]]), fate=fate
        )

    def _choose(self) -> dict[str, Any] | None:
        """A payment about which nothing happened yet."""
        free = [each for each in self.intents if each["id"] not in self.used]
        if not free:
            return None
        intent = self.random.choice(free)
        self.used.add(intent["id"])
        return intent

    def _choose_fate(self) -> str:
        self.outside += 1
        return "lost" if self.outside % 3 == 0 else ""

    def _find(self, intent_id: str) -> dict[str, Any]:
        self.used.add(intent_id)
        return next(each for each in self.intents if each["id"] == intent_id)


def make_charge(intent: dict[str, Any], *, refunded_cents: int) -> dict[str, Any]:
    return {
        "id": f"ch_{intent['id']}",
        "object": "charge",
        "payment_intent": intent["id"],
        "status": "succeeded",
        "amount": intent["amount"],
        "amount_refunded": refunded_cents,
        "currency": "usd",
        "metadata": intent["metadata"],
    }


def make_dispute(intent: dict[str, Any], *, number: int) -> dict[str, Any]:
    return {
        "id": f"dp_{number}",
        "object": "dispute",
        "payment_intent": intent["id"],
        "status": "needs_response",
        "reason": "fraudulent",
        "amount": intent["amount"],
        "currency": "usd",
        "created": int(time.time()),
    }
