"""A broken broker neither fails nor slows down an intake."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from leadswitch.env import REPOSITORY
from routing.models import Lead
from tests.support.factories import SourceFactory, issue_key
from tests.support.processes import child_environment

# In a separate process, because the broker is chosen when it starts.
SEND_LEADS = """
import json, sys, time, django
django.setup()
from django.test import Client
from routing.metrics.dispatch import WAKES_LOST
from routing.dispatch.enqueue import ENQUEUER
client = Client(headers={"Authorization": f"Api-Key {sys.argv[1]}"})
seconds, codes = [], []
for number in range(20):
    lead = {"zip": "30312", "email": f"a{number}@example.com"}
    started = time.monotonic()
    response = client.post("/api/v1/leads/", lead, content_type="application/json")
    seconds.append(time.monotonic() - started)
    codes.append(response.status_code)
ENQUEUER.flush(timeout_seconds=30)
lost = sum(s.value for m in WAKES_LOST.collect() for s in m.samples if s.name.endswith("_total"))
print(json.dumps({"codes": codes, "seconds": seconds, "lost": lost}))
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.mark.parametrize("broker_accepts", [True, False], ids=["black-holed", "refused"])
def test_leads_are_stored_at_full_speed(
    committed_db: None,  # noqa: ARG001
    listener: socket.socket,
    *,
    broker_accepts: bool,
) -> None:
    if broker_accepts:
        listener.listen(16)  # accepts connections and never answers
    key = issue_key(SourceFactory.create())
    outcome = send_leads(key, broker=f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
    assert outcome["codes"] == [201] * 20
    # A wait for the broker takes at least a second. The first request opens the database connection, and a busy
    # machine may stop one other for a moment.
    assert len([seconds for seconds in outcome["seconds"][1:] if seconds >= 1]) <= 1
    assert outcome["lost"] > 0
    assert Lead.objects.filter(status="pending", next_attempt_at__isnull=False).count() == 20


def send_leads(key: str, *, broker: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SEND_LEADS, key],
        cwd=REPOSITORY,
        env=child_environment(REDIS_URL=broker),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome
