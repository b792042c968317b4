"""Sends leads to the real API over keep-alive connections, and waits until all due leads were tried."""

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import connection

CONNECTIONS: Final = 4
POLL_SECONDS: Final = 0.05
TRY_ALL_SECONDS: Final = 120.0

# Deferred leads wait for a known time. The others will be tried soon.
ON_THEIR_WAY: Final = """
SELECT count(*) FROM routing_lead
WHERE source_workspace_id = ANY(%s) AND status = 'pending'
    AND (attempts = 0 OR next_attempt_at <= clock_timestamp() + interval '60 seconds')
"""


class SendingFailed(RuntimeError):
    """The API refused a lead, or leads were not tried in time."""


def send_leads(
    leads: Iterable[Mapping[str, Any]], *, address: str, key: str, advance: Callable[[], None]
) -> None:
    """POST each lead and call `advance` for each that is accepted. Raises SendingFailed at the first refusal."""
    waiting: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
    for lead in leads:
        waiting.put(lead)
    failures: list[str] = []
    threads = [
        threading.Thread(target=_send, args=(waiting, address, key, advance, failures))
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        waiting.put(None)
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SendingFailed(failures[0])


def _send(
    waiting: "queue.SimpleQueue[Mapping[str, Any] | None]",
    address: str,
    key: str,
    advance: Callable[[], None],
    failures: list[str],
) -> None:
    parts = urlsplit(address)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    try:
        while not failures and (lead := waiting.get()) is not None:
            client.request("POST", "/api/v1/leads/", json.dumps(lead), headers)
            response = client.getresponse()
            body = response.read()
            if response.status != http.client.CREATED:
                failures.append(f"the API returned {response.status}: {body[:500].decode(errors='replace')}")
                return
            advance()
    except (OSError, http.client.HTTPException) as error:
        failures.append(f"the API could not be reached: {error}")
    finally:
        client.close()


def wait_until_tried(workspace_ids: Sequence[int], *, report: Callable[[int], None]) -> None:
    """Wait until every lead that these workspaces sent has an outcome or a known later time.

    `report` gets the number still on its way.
    """
    deadline = time.monotonic() + TRY_ALL_SECONDS
    while True:
        with connection.cursor() as cursor:
            cursor.execute(ON_THEIR_WAY, [list(workspace_ids)])
            remaining = int(cursor.fetchone()[0])
        report(remaining)
        if remaining == 0:
            return
        if time.monotonic() > deadline:
            message = f"{remaining} leads were not tried within {TRY_ALL_SECONDS:.0f} s"
            raise SendingFailed(message)
        time.sleep(POLL_SECONDS)
