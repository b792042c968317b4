"""python -m leadswitch.demo.card_provider: a card provider for the demo, in a process of its own. Prints its port.

It takes the requests that the product sends to Stripe, with Stripe's names and answers, and signs its webhooks as
Stripe does. Cards are kept in memory. The number decides: 4242… pays, 4000000000000341 is declined, and
4000002500003155 must be confirmed. A payment is `processing` first, and a webhook tells its end.

    POST /_demo/webhook   url=…: where webhooks go
    GET  /v3/             the script that a page gets in place of Stripe.js
"""

import argparse
import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from leadswitch.demo.serving import QuietHandler, serve

SCRIPT: Final = Path(__file__).with_name("card_provider.js")
DECLINED: Final = "4000000000000341"
MUST_BE_CONFIRMED: Final = "4000002500003155"
PAYS: Final = "4242424242424242"
WEBHOOK_AFTER_SECONDS: Final = 0.2
Fields = Mapping[str, str]
Answer = tuple[int, Mapping[str, Any]]


class Refused(Exception):
    """`status` and `error` are the answer."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status, self.error = status, error


class Provider:
    """`numbers`: the card number by payment method. `answers`: by idempotency key, as at Stripe."""

    def __init__(self, *, secret: str) -> None:
        self.secret, self.webhook = secret, ""
        self.objects: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, str] = {}
        self.answers: dict[str, Answer] = {}
        self._ids = count(1)
        self.lock = threading.RLock()

    def make(self, prefix: str, kind: str, **facts: Any) -> dict[str, Any]:
        """Ids begin with the time: another provider with the same database has other ids."""
        made = {
            "id": f"{prefix}_{int(time.time())}{next(self._ids):04}",
            "object": kind,
            "created": int(time.time()),
            **facts,
        }
        self.objects[made["id"]] = made
        return made

    def find(self, object_id: str) -> dict[str, Any]:
        if object_id not in self.objects:
            raise Refused(404, {"type": "invalid_request_error", "code": "resource_missing"})
        return self.objects[object_id]

    def list_of(self, kind: str, query: Mapping[str, list[str]]) -> Mapping[str, Any]:
        """Newest first."""
        found = [each for each in self.objects.values() if each["object"] == kind]
        for name in ("customer", "payment_intent"):
            if name in query:
                found = [each for each in found if each[name] == query[name][0]]
        since = int(query.get("created[gte]", ["0"])[0])
        data = [each for each in found if each["created"] >= since][::-1]
        return {"object": "list", "has_more": False, "url": "/v1", "data": data}

    def send(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Once, a moment later, with the facts of now."""
        event = self.make("evt", "event", type=kind, data={"object": dict(facts)})
        body = json.dumps(event, indent=2).encode()
        timer = threading.Timer(WEBHOOK_AFTER_SECONDS, self._post, [body])
        timer.daemon = True
        timer.start()

    def _post(self, body: bytes) -> None:
        stamp = int(time.time())
        digest = hmac.new(self.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={stamp},v1={digest}"}
        request = urllib.request.Request(self.webhook, body, headers)  # noqa: S310 - the demo's own address
        try:
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        except (urllib.error.URLError, OSError, ValueError):
            return  # as when the product is away: it asks by itself later


def read_metadata(fields: Fields) -> dict[str, str]:
    return {name[9:-1]: text for name, text in fields.items() if name.startswith("metadata[")}


def make_card(provider: Provider, number: str) -> dict[str, Any]:
    facts = {"brand": "visa", "last4": number[-4:], "exp_month": 12, "exp_year": 2034}
    made = provider.make("pm", "payment_method", type="card", card=facts, customer=None)
    provider.numbers[made["id"]] = number
    return made


def make_customer(provider: Provider, fields: Fields) -> Answer:
    return 200, provider.make("cus", "customer", metadata=read_metadata(fields))


def make_setup(provider: Provider, fields: Fields) -> Answer:
    made = provider.make(
        "seti",
        "setup_intent",
        customer=fields["customer"],
        status="requires_payment_method",
        payment_method=None,
    )
    made["client_secret"] = f"{made['id']}_secret_demo"
    return 200, made


def confirm_setup(provider: Provider, fields: Fields, setup_id: str) -> Answer:
    """As the browser does: the number comes here and nowhere else."""
    setup, number = provider.find(setup_id), fields.get("number", "").replace(" ", "")
    if fields.get("client_secret") != setup["client_secret"]:
        raise Refused(401, {"type": "invalid_request_error", "message": "Wrong client secret"})
    if not (number.isdigit() and len(number) == len(PAYS)):
        raise Refused(402, {"type": "card_error", "message": "Your card number is incomplete."})
    card = make_card(provider, number)
    card["customer"] = setup["customer"]
    setup["payment_method"] = card["id"]
    setup["status"] = "succeeded"
    return 200, setup


def detach_card(provider: Provider, fields: Fields, card_id: str) -> Answer:  # noqa: ARG001 - as the others
    card = provider.find(card_id)
    if card["customer"] is None:
        raise Refused(
            400, {"type": "invalid_request_error", "message": "The card is not attached to a customer"}
        )
    card["customer"] = None
    return 200, card


def make_intent(provider: Provider, fields: Fields) -> Answer:
    number = provider.numbers[fields["payment_method"]]
    intent = provider.make(
        "pi",
        "payment_intent",
        amount=int(fields["amount"]),
        currency=fields["currency"],
        customer=fields["customer"],
        status="processing",
        metadata=read_metadata(fields),
        last_payment_error=None,
    )
    intent["client_secret"] = f"{intent['id']}_secret_demo"
    if number == DECLINED:
        return decline(provider, intent)
    if number == MUST_BE_CONFIRMED and fields.get("off_session") == "true":
        return decline(provider, intent, code="authentication_required")
    if number == MUST_BE_CONFIRMED:
        intent["status"] = "requires_action"
        provider.send("payment_intent.requires_action", intent)
        return 200, intent
    answer = dict(intent)
    succeed(provider, intent)
    return 200, answer


def decline(provider: Provider, intent: dict[str, Any], *, code: str = "card_declined") -> Answer:
    declined = code if code == "authentication_required" else "generic_decline"
    error = {"type": "card_error", "code": code, "decline_code": declined}
    intent.update(status="requires_payment_method", last_payment_error=error)
    provider.send("payment_intent.payment_failed", intent)
    return 402, {"error": {**error, "message": "Your card was declined.", "payment_intent": dict(intent)}}


def succeed(provider: Provider, intent: dict[str, Any]) -> None:
    intent.update(status="succeeded", amount_received=intent["amount"], last_payment_error=None)
    provider.send("payment_intent.succeeded", intent)


def confirm_intent(provider: Provider, fields: Fields, intent_id: str) -> Answer:
    """As the cardholder does at the bank. An intent that was declined needs its card again."""
    intent = provider.find(intent_id)
    is_waiting = intent["status"] == "requires_action"
    is_tried_again = intent["status"] == "requires_payment_method" and "payment_method" in fields
    if fields.get("client_secret") != intent["client_secret"] or not (is_waiting or is_tried_again):
        raise Refused(400, {"type": "invalid_request_error", "message": "Nothing to confirm"})
    succeed(provider, intent)
    return 200, intent


def cancel_intent(provider: Provider, fields: Fields, intent_id: str) -> Answer:  # noqa: ARG001 - as the others
    intent = provider.find(intent_id)
    if intent["status"] == "succeeded":
        raise Refused(400, {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"})
    intent["status"] = "canceled"
    return 200, intent


def make_refund(provider: Provider, fields: Fields) -> Answer:
    intent, cents = provider.find(fields["payment_intent"]), int(fields["amount"])
    return 200, provider.make(
        "re",
        "refund",
        payment_intent=intent["id"],
        amount=cents,
        status="succeeded",
        metadata=read_metadata(fields),
    )


CREATED: Final[Mapping[str, Callable[[Provider, Fields], Answer]]] = {
    "customers": make_customer,
    "setup_intents": make_setup,
    "payment_intents": make_intent,
    "refunds": make_refund,
}
ACTED: Final[Mapping[tuple[str, str], Callable[[Provider, Fields, str], Answer]]] = {
    ("setup_intents", "confirm"): confirm_setup,
    ("payment_methods", "detach"): detach_card,
    ("payment_intents", "confirm"): confirm_intent,
    ("payment_intents", "cancel"): cancel_intent,
}
LISTED: Final = {"payment_intents": "payment_intent", "refunds": "refund", "disputes": "dispute"}


class Handler(QuietHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/v3/":
            self.answer_bytes(200, SCRIPT.read_bytes(), kind="text/javascript")
        else:
            self._try(lambda: self._read(parts.path, parse_qs(parts.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fields = dict(parse_qsl(body, keep_blank_values=True))
        key = self.headers.get("Idempotency-Key", "")
        self._try(lambda: self._once(key, urlsplit(self.path).path, fields))

    def _try(self, answer: Callable[[], Answer]) -> None:
        try:
            with self.provider.lock:
                status, facts = answer()
        except Refused as refusal:
            status, facts = refusal.status, {"error": {"message": "refused", **refusal.error}}
        except (KeyError, ValueError):
            status, facts = 400, {"error": {"type": "invalid_request_error", "message": "unknown request"}}
        self.answer_bytes(status, json.dumps(facts).encode(), Access_Control_Allow_Origin="*")

    def _once(self, key: str, path: str, fields: Fields) -> Answer:
        if key not in self.provider.answers:
            answer = self._write(path, fields)
            if not key:
                return answer
            self.provider.answers[key] = answer
        return self.provider.answers[key]

    def _write(self, path: str, fields: Fields) -> Answer:
        match path.strip("/").split("/"):
            case ["_demo", "webhook"]:
                self.provider.webhook = fields["url"]
                return 200, {}
            case ["v1", kind]:
                return CREATED[kind](self.provider, fields)
            case ["v1", kind, object_id, action]:
                return ACTED[kind, action](self.provider, fields, object_id)
        raise KeyError(path)

    def _read(self, path: str, query: Mapping[str, list[str]]) -> Answer:
        match path.strip("/").split("/"):
            case ["v1", kind]:
                return 200, self.provider.list_of(LISTED[kind], query)
            case ["v1", _, object_id]:
                return 200, self.provider.find(object_id)
        raise KeyError(path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m leadswitch.demo.card_provider")
    parser.add_argument("--secret", required=True, help="webhooks are signed with it")
    options = parser.parse_args()
    Handler.provider = Provider(secret=options.secret)
    serve(Handler)


if __name__ == "__main__":
    main()
