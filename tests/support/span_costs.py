"""Counts what a request and a message cost: statements that reach PostgreSQL, and round trips to Redis.

python -m tests.support.span_costs KEY LEAD...     prints JSON: {"request": cost, "message": cost}

The request brings one lead with the key of a source. The message holds these leads. A cost has its `statements` and how
many `round_trips`. Each is counted after another one of its kind, which connected and loaded the scripts.
"""

import json
import sys
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import django

# What a new connection sends: how many there are depends on which threads meet.
HANDSHAKES: Final = (b"HELLO", b"AUTH", b"CLIENT", b"SELECT")


class RoundTrips:
    """Counts what this process sends to Redis, through every client, also the broker's."""

    def __init__(self) -> None:
        from redis.connection import AbstractConnection

        self.count = 0
        send = AbstractConnection.send_packed_command

        def count_and_send(connection: AbstractConnection, command: Any, **named: Any) -> Any:
            sent = command if isinstance(command, bytes) else b"".join(command)
            if not any(word in sent[:30] for word in HANDSHAKES):
                self.count += 1
            return send(connection, command, **named)

        AbstractConnection.send_packed_command = count_and_send  # type: ignore[method-assign]


def main(key: str, lead_ids: Sequence[int]) -> None:
    django.setup()
    from leadswitch.celery import begin_pool_process

    begin_pool_process()
    from distribution.tasks import process_leads
    from routing.dispatch.enqueue import enqueue_now
    from routing.queries import read_due_times

    round_trips = RoundTrips()
    enqueue_now(read_due_times(lead_ids))
    process_leads(lead_ids[:1], is_leased=True)
    send_lead(key, number=0)
    costs = {
        "request": measure(lambda: send_lead(key, number=1), round_trips),
        "message": measure(lambda: process_leads(lead_ids[1:], is_leased=True), round_trips),
    }
    print(json.dumps(costs), flush=True)  # noqa: T201 - the protocol with the test


def measure(act: Callable[[], object], round_trips: RoundTrips) -> dict[str, Any]:
    from tests.bench.wire import list_statements

    before = round_trips.count
    return {"statements": list_statements(act), "round_trips": round_trips.count - before}


def send_lead(key: str, *, number: int) -> None:
    """As a sender does, through all middleware. Returns when the lead is enqueued."""
    from django.test import Client

    from routing.dispatch.enqueue import ENQUEUER

    answer = Client().post(
        "/api/v1/leads/",
        {"zip": "30312", "email": f"cost-{number}@example.com"},
        content_type="application/json",
        headers={"Authorization": f"Api-Key {key}"},
    )
    assert answer.status_code == HTTPStatus.CREATED, answer.content
    assert ENQUEUER.flush(timeout_seconds=30)


if __name__ == "__main__":
    main(sys.argv[1], [int(lead) for lead in sys.argv[2:]])
