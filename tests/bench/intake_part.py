"""Part 4: leads over HTTP into the product and into a bare DRF view, in turns, round by round."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from tests.bench.children import Child, ChildFailed
from tests.bench.numbers import Spread, percentile, ratios
from tests.bench.plan import Plan
from tests.bench.servers import WEB_WORKERS, serve_bare, serve_product
from tests.bench.wakes import forget_wakes

Progress = Callable[[str], None]

VIEWS: Final = ("product", "bare")
CREATED: Final = "201"
# {number} is replaced in each request. Name, address and phone number are invented.
LEAD: Final = {
    "first_name": "Test",
    "last_name": "Person",
    "email": "person-{number}@example.com",
    "phone": "+14045550123",
    "address": "1 Test Street",
    "zip": "30312",
    "vertical": "roofing",
    "attributes": {"roof_age": 12, "property_type": "residential", "stories": 2, "own_home": True},
    "consent": {"given_at": "2026-01-31T12:00:00Z", "text": "I agree to be called about my roof."},
}


@dataclass(slots=True)
class Series:
    rates: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    def as_json(self) -> Mapping[str, Any]:
        return {
            "requests_per_second": Spread.of(self.rates).as_json(),
            "rounds": self.rates,
            "p50_ms": percentile(self.latencies_ms, 50),
            "p95_ms": percentile(self.latencies_ms, 95),
        }


class NotCreated(Exception):
    """A server refused leads of the bench, so its time means nothing."""


def count_steps(plan: Plan) -> int:
    """How often `measure_intake` reports progress."""
    return 1 + plan.rounds * len(VIEWS)


def measure_intake(
    plan: Plan, child: Child, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """Measure both views. Both servers run all the time; one of them is idle."""
    progress("starting two web servers")
    owner = child.ask("issue_key")
    series = {name: Series() for name in VIEWS}
    with ExitStack() as stack:
        stack.enter_context(forget_wakes())
        jobs = {
            "product": {
                "port": stack.enter_context(serve_product(database_url, directory=directory)),
                "path": "/api/v1/leads/",
                "headers": {"Authorization": f"Api-Key {owner['key']}"},
            },
            "bare": {
                "port": stack.enter_context(serve_bare(database_url, owner, directory=directory)),
                "path": "/leads/",
                "headers": {},
            },
        }
        for name in VIEWS:
            _send(jobs[name], requests=10 * plan.warm_up, connections=plan.connections)
        for number in range(plan.rounds):
            for name in VIEWS if number % 2 else reversed(VIEWS):
                progress(f"round {number + 1}: {name}")
                answer = _send(jobs[name], requests=plan.requests, connections=plan.connections)
                series[name].rates.append(plan.requests / answer["seconds"])
                series[name].latencies_ms += answer["latencies_ms"]
    against = ratios(series["product"].rates, series["bare"].rates)
    return {
        "web_workers": WEB_WORKERS,
        "connections": plan.connections,
        "views": {name: each.as_json() for name, each in series.items()},
        "product_against_bare": {**Spread.of(against).as_json(), "rounds": against},
    }


def _send(job: Mapping[str, Any], *, requests: int, connections: int) -> Mapping[str, Any]:
    return send_all(job, body=json.dumps(LEAD), requests=requests, connections=connections)


def send_all(job: Mapping[str, Any], *, body: str, requests: int, connections: int) -> Mapping[str, Any]:
    """Send `body` that often from a new process. Raises NotCreated if any was refused."""
    sent = {**job, "body": body, "requests": requests, "connections": connections}
    command = [sys.executable, "-m", "tests.bench.client"]
    done = subprocess.run(
        command, input=json.dumps(sent), cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChildFailed(f"the bench's client ended: {done.stderr.strip().splitlines()[-1:]}")
    answer: Mapping[str, Any] = json.loads(done.stdout)
    if answer["statuses"] != {CREATED: requests}:
        message = f"{job['path']} answered {answer['statuses']} to {requests} requests"
        raise NotCreated(message)
    return answer
