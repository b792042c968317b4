"""A receiver in place of the pager: gets the Alertmanager's webhooks, and records which alerts arrived and when."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.load.alarm_pages import Notice, title_of

HOST: Final = "127.0.0.1"


class Pager(ThreadingHTTPServer):
    """`notices`: what has arrived so far, in order."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), Handler)
        self.notices: list[Notice] = []

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"

    def list_notices(self, receiver: str) -> list[Notice]:
        return [each for each in self.notices if each.receiver == receiver]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        at = time.monotonic()
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Pager)
        self.server.notices += read_notices(payload, at=at)
        self.send_response(HTTPStatus.OK)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """The report names what arrived."""


def read_notices(payload: Mapping[str, Any], *, at: float) -> Iterator[Notice]:
    """Yield the firing alerts of a webhook of the Alertmanager. It also repeats alerts, and says which are resolved."""
    for alert in payload["alerts"]:
        if alert["status"] == "firing":
            link = alert["annotations"].get("runbook_url", "")
            yield Notice(payload["receiver"], title_of(alert["labels"]), link, at)


@contextmanager
def running_pager() -> Iterator[Pager]:
    with Pager() as pager:
        thread = threading.Thread(target=pager.serve_forever, name="pager", daemon=True)
        thread.start()
        try:
            yield pager
        finally:
            pager.shutdown()
            thread.join()
