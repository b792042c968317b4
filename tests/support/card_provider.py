"""A payment provider for tests: localstripe in a process of its own, behind a proxy that loses, delays and records.

localstripe takes requests of the real client and keeps customers, cards and payments. It ignores Idempotency-Key, so a
request that is sent twice makes two payments. The proxy adds what it lacks: filters of lists, newer parameters, and
disputes and failed refunds, which a test puts there. Like Stripe it refuses to detach a card that is not attached.
"""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx

from leadswitch.env.payments import StripeAccount
from tests.support.plain_http import plain_client
from tests.support.ports import free_port
from tests.support.waiting import wait_until

KEY: Final = "sk_test_12345"
WEBHOOK_SECRET: Final = "whsec_of_the_tests"
GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000341"
NEEDS_CONFIRMATION: Final = "4000002500003155"
# Of a newer version of the API than localstripe has.
NEWER: Final = "allowed_payment_method_types"
NOT_ATTACHED: Final = (
    b'{"error": {"type": "invalid_request_error", "message": "The payment method you provided is not attached to a '
    b'customer so detachment is impossible."}}'
)
LISTS: Final = ("/v1/payment_intents", "/v1/refunds")


@dataclass
class CardProvider:
    """`lose`: how many requests are carried out whose answers never arrive. `refuse`: how many get 503 unread.

    `away`: paths whose requests get 503. `orders`: the key and our payment of each request for a payment, also if it is
    refused. `made`: the payments and refunds it made.
    """

    backend: str
    process_id: int
    url: str = ""
    lose: int = 0
    refuse: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    orders: list[tuple[str, str]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    failed_refunds: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)

    @property
    def account(self) -> StripeAccount:
        return StripeAccount(KEY, "pk_test_12345", (WEBHOOK_SECRET,), self.url)

    def ask(self, method: str, path: str, **data: Any) -> dict[str, Any]:
        """As a browser or a person at the provider does, past the proxy."""
        answer = plain_client().request(method, f"{self.backend}{path}", auth=(KEY, ""), data=data or None)
        answer.raise_for_status()
        return dict(answer.json())

    def make_card(self, number: str = GOOD) -> str:
        card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
        fields = {f"card[{name}]": value for name, value in card.items()}
        return str(self.ask("POST", "/v1/payment_methods", type="card", **fields)["id"])

    def finish_setup(self, setup_id: str, *, number: str = GOOD) -> None:
        """What the browser does: the card goes to the provider only, which attaches it to the customer."""
        card_id = self.make_card(number)
        setup = self.ask("POST", f"/v1/setup_intents/{setup_id}/confirm", payment_method=card_id)
        self.ask("POST", f"/v1/payment_methods/{card_id}/attach", customer=setup["customer"])

    def is_attached(self, card_id: str) -> bool:
        """A card that it does not know is none of this proxy's business."""
        found = httpx.get(f"{self.backend}/v1/payment_methods/{card_id}", auth=(KEY, ""))
        return found.status_code != 200 or found.json()["customer"] is not None

    def list_payments(self) -> list[dict[str, Any]]:
        return list(self._read_all("/v1/payment_intents"))

    def list_refunds(self) -> list[dict[str, Any]]:
        return list(self._read_all("/v1/refunds"))

    def count_sent(self, method: str, path: str) -> int:
        return self.requests.count((method, path))

    def confirm(self, intent_id: str) -> None:
        """The cardholder confirms on-session."""
        secret = self.ask("GET", f"/v1/payment_intents/{intent_id}")["client_secret"]
        self._authenticate(f"/v1/payment_intents/{intent_id}", secret=secret)

    def _authenticate(self, path: str, *, secret: str) -> None:
        self.ask("POST", f"{path}/_authenticate", client_secret=secret, success="true")

    def _read_all(self, path: str) -> Iterator[dict[str, Any]]:
        last = ""
        while True:
            query = urlencode({"limit": 100, **({"starting_after": last} if last else {})})
            page = self.ask("GET", f"{path}?{query}")
            yield from page["data"]
            if not page["has_more"]:
                return
            last = page["data"][-1]["id"]

    @contextmanager
    def hanging(self) -> Iterator[StripeAccount]:
        """Its process takes connections and answers nothing. Yields the account, past the proxy."""
        os.kill(self.process_id, signal.SIGSTOP)
        try:
            yield replace(self.account, api_base=self.backend)
        finally:
            os.kill(self.process_id, signal.SIGCONT)

    def forget(self) -> None:
        """As new, for the next test."""
        httpx.delete(f"{self.backend}/_config/data").raise_for_status()
        self.lose = self.refuse = 0
        self.requests.clear()
        self.keys.clear()
        self.orders.clear()
        self.made.clear()
        self.disputes.clear()
        self.failed_refunds.clear()
        self.away.clear()


def sign(body: bytes, *, at: float | None = None, secret: str = WEBHOOK_SECRET) -> str:
    """The provider's own scheme: HMAC-SHA256 over the time and the raw body."""
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


@contextmanager
def card_provider() -> Iterator[CardProvider]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.Popen(
            [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
            env={"TMPDIR": folder, "PATH": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            provider = CardProvider(f"http://127.0.0.1:{port}", program.pid)
            wait_until(lambda: is_up(provider), what="localstripe answers")
            with served(provider):
                yield provider
        finally:
            program.kill()
            program.wait()


def is_up(provider: CardProvider) -> bool:
    try:
        return plain_client().get(f"{provider.backend}/v1/customers", auth=(KEY, "")).status_code == 200
    except httpx.TransportError:
        return False


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A product that was killed is no error of the provider."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(provider: CardProvider) -> Iterator[None]:
    class Handler(Proxy):
        serves = provider

    server = Server(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Proxy(BaseHTTPRequestHandler):
    serves: CardProvider
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.serves.requests.append((self.command, parts.path))
        if self.command == "POST":
            self._note_order(dict(parse_qsl(body.decode(), keep_blank_values=True)))
        if self.serves.refuse or parts.path in self.serves.away:
            self.serves.refuse = max(0, self.serves.refuse - 1)
            self._answer(503, b'{"error": {"type": "api_error", "message": "down"}}')
        elif self.command == "GET" and parts.path in (*LISTS, "/v1/disputes"):
            self._answer(200, self._list(parts.path, parse_qs(parts.query)))
        elif parts.path.endswith("/detach") and not self.serves.is_attached(parts.path.split("/")[-2]):
            self._answer(400, NOT_ATTACHED)
        else:
            self._forward(body)

    def _forward(self, body: bytes) -> None:
        names = ("Authorization", "Content-Type", "Stripe-Version")
        headers = {name: self.headers[name] for name in names if self.headers.get(name)}
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        known = [(name, value) for name, value in fields if not name.startswith(NEWER)]
        answer = plain_client().request(
            self.command, f"{self.serves.backend}{self.path}", content=urlencode(known), headers=headers
        )
        if self.command == "POST" and self.path in LISTS:
            self._note(answer)
        if self.command == "POST" and self.serves.lose:
            self.serves.lose -= 1
            self.close_connection = True
            return
        self._answer(answer.status_code, answer.content)

    def _note_order(self, fields: dict[str, str]) -> None:
        """Also of a request that is refused: the next one about the same payment must have the same key."""
        key = self.headers.get("Idempotency-Key", "")
        self.serves.keys.append(key)
        payment = fields.get("metadata[leadswitch_payment]")
        if payment and self.path in LISTS:
            self.serves.orders.append((key, payment))

    def _note(self, answer: httpx.Response) -> None:
        if answer.status_code == 200:
            self.serves.made.append(answer.json())

    def _list(self, path: str, query: dict[str, list[str]]) -> bytes:
        found = self.serves.disputes if path == "/v1/disputes" else list(self.serves._read_all(path))
        found = [
            {**each, "status": "failed", "failure_reason": "lost_or_stolen_card"}
            if each["id"] in self.serves.failed_refunds
            else each
            for each in found
        ]
        for name in ("customer", "payment_intent"):
            if name in query:
                found = [each for each in found if each[name] == query[name][0]]
        since = int(query.get("created[gte]", ["0"])[0])
        found = [each for each in found if each["created"] >= since]
        page = {"object": "list", "url": path, "has_more": False, "data": found[::-1]}
        return json.dumps(page).encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # the client was killed
            self.end_headers()
            self.wfile.write(body)
