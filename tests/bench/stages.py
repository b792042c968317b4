"""The parts of a lead's wait, measured in the worker: stages of an attempt, the way from its sender, retries."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from django.db import connection

from distribution.attempts.attempt import RunningAttempt, Stage
from distribution.attempts.distribute import FIRST_WAIT, distribute_next_due, run
from routing.locks.attempts import lock_lead
from routing.models import RoutingRule, Workspace
from tests.bench.dataset import Pool
from tests.bench.servers import HOST

POLL_SECONDS: Final = 0.001
LONGEST_WAIT_SECONDS: Final = 30.0
# The retry queue: leads that were tried, and are due again.
MAKE_RETRIES: Final = """
UPDATE routing_lead SET attempts = 1, conflicts = 1, due_reason = 'tier_lock_contention',
    skip_reason = 'tier_lock_contention', next_attempt_at = now() - interval '1 second'
WHERE id = ANY(%s)
"""
IS_SOLD: Final = "SELECT status = 'distributed' FROM routing_lead WHERE public_id = %s"
# Without a phone number: leads with the same number would all be the same person.
BODY: Final = {
    "first_name": "Test",
    "last_name": "Person",
    "zip": "30312",
    "attributes": {"roof_age": 12, "property_type": "residential"},
}


class NotSold(RuntimeError):
    """A lead of the bench was not sold, so the times of the others mean nothing."""


def make_retries(ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MAKE_RETRIES, [list(ids)])


def add_rules(pool: Pool, count: int) -> None:
    """Add rules that match no lead of the pool, so that all of them are checked."""
    elsewhere, _ = Workspace.objects.get_or_create(slug="bench-elsewhere", name="Elsewhere")
    RoutingRule.objects.bulk_create(
        RoutingRule(
            workspace_id=pool.workspace_id,
            name=f"rule {number}",
            destination=elsewhere,
            conditions={"field": "zip", "op": "eq", "value": f"{10_000 + number}"},
        )
        for number in range(count)
    )


def drain() -> int:
    """Run all due leads in due order, as the pick-up does. Returns the number of attempts."""
    count = 0
    while distribute_next_due().lead_id is not None:
        count += 1
    return count


def time_stages(ids: Sequence[int]) -> Mapping[str, list[float]]:
    """Sell these leads, and time the lock, the rules (with the checks before them) and the closing writes."""
    ended: dict[Stage, float] = {}
    locks, routes, completions = [], [], []
    for lead_id in ids:
        attempt = RunningAttempt(partial(lock_lead, lead_id), FIRST_WAIT, on_stage=partial(_note_time, ended))
        outcome = run(attempt)
        returned = time.perf_counter()
        if outcome.result != "success":
            raise NotSold(outcome.skip_reason)
        locks.append((ended[Stage.LOCKED] - ended[Stage.LOCK]) * 1000)
        routes.append((ended[Stage.ROUTED] - ended[Stage.LOCKED]) * 1000)
        completions.append((returned - ended[Stage.DECIDED]) * 1000)
    return {"lock": locks, "rules": routes, "complete": completions}


def _note_time(ended: dict[Stage, float], stage: Stage) -> None:
    ended[stage] = time.perf_counter()


def time_way(pool: Pool, *, port: int, key: str, count: int) -> list[float]:
    """Send leads one by one over HTTP, and wait until a worker has sold each. Returns the ms from request to sale.

    The wait ends when this process sees the sale, a little later than the sale itself.
    """
    web = http.client.HTTPConnection(HOST, port, timeout=LONGEST_WAIT_SECONDS)
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    times = []
    for number in range(count):
        email = f"person-{time.time_ns()}-{number}@example.com"
        body = json.dumps({**BODY, "email": email, "vertical": pool.vertical})
        started = time.perf_counter()
        web.request("POST", "/api/v1/leads/", body, headers)
        answer = web.getresponse()
        lead = json.loads(answer.read())
        if answer.status != http.client.CREATED:
            raise NotSold(str(answer.status))
        _wait_until_sold(lead["id"], deadline=started + LONGEST_WAIT_SECONDS)
        times.append((time.perf_counter() - started) * 1000)
    web.close()
    return times


def _wait_until_sold(public_id: str, *, deadline: float) -> None:
    while time.perf_counter() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(IS_SOLD, [public_id])
            if cursor.fetchone() == (True,):
                return
        time.sleep(POLL_SECONDS)
    message = f"lead {public_id} was not sold in time"
    raise NotSold(message)
