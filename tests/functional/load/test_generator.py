"""The generator starts requests at their planned times, also while no request is answered."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from leadswitch.env import REPOSITORY
from tests.load.job import Job
from tests.load.plan import UNIFORM, Phase

LEADS = 12
LONGEST_SECONDS = 60
PHASE = Phase("one", 60, LEADS / 60)


class Intake(ThreadingHTTPServer):
    """Answers no request before `goal` requests have come. Refuses lead number 3."""

    daemon_threads = True

    def __init__(self, goal: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.came = threading.Semaphore(0)
        self.leads: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.lock = threading.Lock()
        self.all_came = threading.Event()
        self.goal = goal

    def take(self, lead: dict[str, Any], key: str | None) -> None:
        with self.lock:
            self.leads.append(lead)
            self.keys.add(key)
            if len(self.leads) >= self.goal:
                self.all_came.set()
        assert self.all_came.wait(LONGEST_SECONDS)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Intake

    def do_POST(self) -> None:
        lead = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.take(lead, self.headers["Authorization"])
        is_refused = lead["attributes"]["number"] == 3
        self.send_response(503 if is_refused else 201)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"sorry" if is_refused else b"taken")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def intake(*, goal: int) -> Iterator[Intake]:
    with Intake(goal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def generate(server: Intake, directory: Path, *, connections: int) -> dict[str, Any]:
    job, result = directory / "job.json", directory / "result.json"
    address = f"http://127.0.0.1:{server.server_address[1]}"
    Job(address, ("one", "two"), (PHASE,), UNIFORM, 1, connections).write(job)
    subprocess.run(
        [sys.executable, "-m", "tests.load.generator", str(job), str(result)],
        cwd=REPOSITORY,
        check=True,
        timeout=LONGEST_SECONDS,
    )
    answer: dict[str, Any] = json.loads(result.read_text())
    return answer


def test_unanswered_requests_hold_back_no_other(tmp_path: Path) -> None:
    """No request is answered before all have come, so a client that waits for an answer never ends."""
    with intake(goal=LEADS) as server:
        result = generate(server, tmp_path, connections=LEADS)

    assert sorted(lead["attributes"]["number"] for lead in server.leads) == list(range(LEADS))
    assert server.keys == {"Api-Key one", "Api-Key two"}
    statuses = dict(zip(result["numbers"], result["statuses"], strict=True))
    assert statuses == {number: 503 if number == 3 else 201 for number in range(LEADS)}
    assert result["first_refusals"] == ["503 sorry"]
    # The first request was answered after the last one had begun, and its latency says so.
    latency_of = dict(zip(result["numbers"], result["latencies_ms"], strict=True))
    assert latency_of[0] >= 1000 * (LEADS - 1) / PHASE.rate
    assert result["cpu_seconds"] > 0


def test_request_without_a_free_connection_waits_and_counts_from_its_planned_start(tmp_path: Path) -> None:
    with intake(goal=1) as server:
        result = generate(server, tmp_path, connections=1)

    assert sorted(result["numbers"]) == list(range(LEADS))
    for lag, wait, latency in zip(result["lags_ms"], result["waits_ms"], result["latencies_ms"], strict=True):
        assert 0 <= lag <= wait <= latency
