"""ops/datadog/send_monitors.py against a server that stores monitors as Datadog's API does."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from leadswitch.env import REPOSITORY

PROGRAM = REPOSITORY / "ops" / "datadog" / "send_monitors.py"
MONITORS = json.loads((PROGRAM.parent / "monitors.json").read_text())
KEYS = {"DD_API_KEY": "the-api-key", "DD_APP_KEY": "the-application-key"}


class Store(ThreadingHTTPServer):
    """Monitors by id. Refuses wrong keys, and composite queries of other ids than those it stores."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.monitors: dict[int, dict[str, Any]] = {}

    def find_refusal(self, monitor: dict[str, Any]) -> str:
        if monitor["type"] != "composite":
            return ""
        ids = monitor["query"].split(" && ")
        known = all(re.fullmatch(r"\d+", each) and int(each) in self.monitors for each in ids)
        return "" if known else "unknown monitor in the query"


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        tag = self.path.removeprefix("/api/v1/monitor?monitor_tags=")
        self.answer(
            [{"id": key, **each} for key, each in self.server.monitors.items() if tag in each["tags"]]
        )

    def do_POST(self) -> None:
        self.store(1_000 + len(self.server.monitors))

    def do_PUT(self) -> None:
        self.store(int(self.path.removeprefix("/api/v1/monitor/")))

    def store(self, monitor_id: int) -> None:
        monitor = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if refusal := self.server.find_refusal(monitor):
            self.answer({"errors": [refusal]}, status=400)
            return
        self.server.monitors[monitor_id] = monitor
        self.answer({"id": monitor_id, **monitor})

    def answer(self, content: Any, *, status: int = 200) -> None:
        has_keys = (self.headers["DD-API-KEY"], self.headers["DD-APPLICATION-KEY"]) == tuple(KEYS.values())
        body = json.dumps(content if has_keys else {"errors": ["Forbidden"]}).encode()
        self.send_response(status if has_keys else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the test reads the store."""


@pytest.fixture
def datadog() -> Iterator[Store]:
    with Store() as store:
        thread = Thread(target=store.serve_forever)
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()


def send(store: Store, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**KEYS, "DD_API_URL": f"http://127.0.0.1:{store.server_port}", **changes}
    return subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_monitors_are_created_and_composites_have_the_ids_of_their_parts(datadog: Store) -> None:
    done = send(datadog)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"Created {monitor['name']}" for monitor in MONITORS]
    names = {key: each["name"] for key, each in datadog.monitors.items()}
    restored = [
        {**each, "query": re.sub(r"\d+", lambda found: f"<{names[int(found[0])]}>", each["query"])}
        if each["type"] == "composite"
        else each
        for each in datadog.monitors.values()
    ]
    assert restored == MONITORS


def test_second_run_updates_and_creates_nothing(datadog: Store) -> None:
    send(datadog)
    stored = json.loads(json.dumps(datadog.monitors))
    changed = next(iter(datadog.monitors.values()))
    changed["message"] = "edited in Datadog"
    done = send(datadog)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"Updated {monitor['name']}" for monitor in MONITORS]
    assert {str(key): each for key, each in datadog.monitors.items()} == stored


def test_refusal_ends_the_program(datadog: Store) -> None:
    done = send(datadog, DD_APP_KEY="another")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'GET: 403 {"errors": ["Forbidden"]}\n'
    assert datadog.monitors == {}
