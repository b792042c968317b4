"""Deliveries, made and timed in the worker. A deliverer of its own process sends them to a receiver of another."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.secrets import make_secret
from distribution.models import Buyer, Campaign, Deliverer, Delivery, Endpoint, Enrollment
from routing.models import Workspace
from tests.bench.dataset import Pool, add_leads, build_pool

POLL_SECONDS: Final = 0.001
# For what takes half a second or more: asking costs the deliverer a part of its machine.
SLOW_POLL_SECONDS: Final = 0.01
LONGEST_SECONDS: Final = 120.0
# So that the limit of an endpoint is not what is measured.
MAX_IN_FLIGHT: Final = 100
# Enough that a request may hang for longer than a round.
TIMEOUT_SECONDS: Final = 30
# Of the state, so that partial indexes answer it: asking must not take the time that is measured.
UNENDED: Final = """
SELECT EXISTS (SELECT FROM distribution_delivery WHERE endpoint_id = ANY(%(ids)s) AND state = 'pending')
    OR EXISTS (SELECT FROM distribution_delivery WHERE endpoint_id = ANY(%(ids)s) AND state = 'posting')
"""
LATENCIES: Final = """
SELECT 1000 * extract(epoch FROM d.ended_at - d.created_at)::float FROM distribution_delivery d
WHERE d.id = ANY(%s) AND d.state = 'accepted' AND d.tries = 1
"""
IS_SOLD: Final = "SELECT status = 'distributed' FROM routing_lead WHERE id = %s"


class NotDelivered(RuntimeError):
    """A message was not accepted in time, so the others mean nothing."""


def wait_for_deliverer() -> None:
    _wait(Deliverer.objects.exists, what="a deliverer")


def add_endpoint(url: str, *, max_in_flight: int = MAX_IN_FLIGHT) -> int:
    """A signed webhook of a new buyer."""
    workspace, _ = Workspace.objects.get_or_create(slug="bench", name="Bench")
    number = Buyer.objects.count()
    buyer = Buyer.objects.create(workspace=workspace, name=f"Receiver {number}")
    return _sign(
        Endpoint.objects.create(
            buyer=buyer, name="CRM", url=url, timeout_seconds=TIMEOUT_SECONDS, max_in_flight=max_in_flight
        )
    )


def _sign(endpoint: Endpoint) -> int:
    make_secret(endpoint, at=timezone.now(), actor="bench")
    return endpoint.pk


def add_messages(endpoint_ids: Sequence[int], lead_ids: Sequence[int]) -> list[int]:
    """A message for each lead, due now, to the endpoints in turns. All are committed together."""
    at = timezone.now()
    made = Delivery.objects.bulk_create(
        Delivery(endpoint_id=endpoint_ids[place % len(endpoint_ids)], lead_id=lead_id, next_try_at=at)
        for place, lead_id in enumerate(lead_ids)
    )
    return [each.pk for each in made]


def time_messages(pool: Pool, endpoint_id: int, *, count: int) -> float:
    """Return the messages per second, from their commit until the last one has its end."""
    lead_ids = add_leads(pool, count)
    with noted_commits() as commits, transaction.atomic():
        add_messages([endpoint_id], lead_ids)
    wait_until_ended([endpoint_id])
    return count / (time.perf_counter() - commits[-1])


def wait_until_ended(endpoint_ids: Sequence[int]) -> None:
    ids = {"ids": list(endpoint_ids)}
    _wait(lambda: not _fetch(UNENDED, ids), what="the end of all messages", poll_seconds=SLOW_POLL_SECONDS)


def time_paced(pool: Pool, endpoint_ids: Sequence[int], *, count: int, per_second: float) -> list[float]:
    """Add one message after the other, and return the ms of each from its commit to its end."""
    lead_ids = add_leads(pool, count)
    started, ids = time.perf_counter(), []
    for place, lead_id in enumerate(lead_ids):
        time.sleep(max(0.0, started + place / per_second - time.perf_counter()))
        ids += add_messages([endpoint_ids[place % len(endpoint_ids)]], [lead_id])
    wait_until_ended(endpoint_ids)
    with connection.cursor() as cursor:
        cursor.execute(LATENCIES, [ids])
        latencies = [value for (value,) in cursor.fetchall()]
    if len(latencies) != count:
        message = f"{len(latencies)} of {count} messages were accepted by their first try"
        raise NotDelivered(message)
    return latencies


def build_direct_post(url: str) -> Pool:
    """A campaign of one buyer, which sells when the buyer's system accepts the lead."""
    pool = build_pool(1)
    Campaign.objects.filter(pk=pool.campaign_id).update(sells_on="acceptance")
    buyer_id = Enrollment.objects.get(campaign_id=pool.campaign_id).buyer_id
    _sign(
        Endpoint.objects.create(
            buyer_id=buyer_id,
            name="CRM",
            url=url,
            timeout_seconds=TIMEOUT_SECONDS,
            max_in_flight=MAX_IN_FLIGHT,
        )
    )
    return pool


def time_direct_posts(pool: Pool, *, count: int) -> list[float]:
    """One after the other: the ms from the commit of the hold until the sale is seen to be committed."""
    times = []
    with noted_commits() as commits:
        for lead_id in add_leads(pool, count):
            outcome = distribute_lead(lead_id)
            if outcome.result != "posting":
                raise NotDelivered(f"{outcome.result} {outcome.skip_reason}")
            committed = commits[-1]
            _wait(lambda lead_id=lead_id: bool(_fetch(IS_SOLD, [lead_id])), what="the sale")
            times.append((time.perf_counter() - committed) * 1000)
    return times


def wait_for(sql: str, lead_id: int, *, what: str) -> None:
    """Until the statement about the lead is true."""
    _wait(lambda: bool(_fetch(sql, [lead_id])), what=what)


@contextmanager
def noted_commits() -> Iterator[list[float]]:
    """The list grows by the time of each commit of this process."""
    commits: list[float] = []
    commit = connection.commit

    def noted() -> None:
        commit()
        commits.append(time.perf_counter())

    connection.commit = noted  # type: ignore[method-assign]
    try:
        yield commits
    finally:
        connection.commit = commit  # type: ignore[method-assign]


def _fetch(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def _wait(condition: Any, *, what: str, poll_seconds: float = POLL_SECONDS) -> None:
    deadline = time.perf_counter() + LONGEST_SECONDS
    while not condition():
        if time.perf_counter() > deadline:
            message = f"waited {LONGEST_SECONDS:.0f} s for {what}"
            raise NotDelivered(message)
        time.sleep(poll_seconds)


def describe_messages() -> Mapping[str, int]:
    """How many messages have which state: shows what hangs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM distribution_delivery GROUP BY state")
        return dict(cursor.fetchall())
