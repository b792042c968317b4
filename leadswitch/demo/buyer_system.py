"""python -m leadswitch.demo.buyer_system: the systems of the demo's buyers, in a process of its own. Prints its port.

    /first, /second     two buyers. Each accepts every lead, but the first refuses its own customers
    /bid/62.00/120      bids that many dollars after that many milliseconds
    /decline            makes no bid
    --customer EMAIL    a customer of the first buyer
    --lost EMAIL        the first answer about this person is lost: the connection is cut after the lead was stored

It remembers each message by its id and answers a repetition as it answered first.
"""

import argparse
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from leadswitch.demo.serving import QuietHandler, serve

FIRST: Final = "/first"
BID: Final = "/bid/"
DECLINE: Final = "/decline"
ACCEPTED: Final = {"status": "accepted"}
REJECTED: Final = {"status": "rejected", "reason": "This person is already our customer"}


class Systems:
    """`verdicts`: by message id. `lost`: people whose first answer is still to be lost."""

    def __init__(self, *, customers: set[str], lost: set[str]) -> None:
        self._customers, self._lost = customers, lost
        self._verdicts: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def take(self, path: str, message_id: str, email: str) -> tuple[dict[str, str], bool]:
        """Return the verdict, and whether its answer is lost."""
        with self._lock:
            is_customer = path == FIRST and email in self._customers
            verdict = self._verdicts.setdefault(message_id, REJECTED if is_customer else ACCEPTED)
            is_lost = email in self._lost
            self._lost.discard(email)
        return verdict, is_lost


def bid(path: str) -> Mapping[str, Any]:
    """The answer to a ping. It takes as long as its path says."""
    if path == DECLINE:
        return {"accepted": False, "reason": "We are full this week"}
    _, _, price, ms = path.split("/")
    time.sleep(int(ms) / 1000)
    return {"accepted": True, "price": price, "id": f"BID-{price}"}


class Handler(QuietHandler):
    systems: Systems

    def do_POST(self) -> None:
        lead = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith((BID, DECLINE)):
            self._answer(bid(self.path))
            return
        verdict, is_lost = self.systems.take(self.path, self.headers["Idempotency-Key"], lead["email"])
        self.close_connection = is_lost
        if is_lost:
            return
        self._answer(verdict)

    def _answer(self, document: Mapping[str, Any]) -> None:
        self.answer_bytes(200, json.dumps(document).encode())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m leadswitch.demo.buyer_system")
    parser.add_argument("--customer", action="append", default=[])
    parser.add_argument("--lost", action="append", default=[])
    options = parser.parse_args()
    Handler.systems = Systems(customers=set(options.customer), lost=set(options.lost))
    serve(Handler)


if __name__ == "__main__":
    main()
