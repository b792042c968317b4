"""Many simultaneous senders: one key creates one lead, and so does one external_id."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from routing.intake import idempotency
from routing.models import IdempotencyRecord, Lead, Source
from tests.support.factories import LeadFactory, SourceFactory, issue_key

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 20
LEADS = "/api/v1/leads/"
VALID = {"zip": "30312", "email": "ada@example.com"}


@pytest.fixture
def source(committed_db: None) -> Source:  # noqa: ARG001
    return SourceFactory.create()


def at_once(send: Callable[[Client], Any], *, source: Source, threads: int = THREADS) -> list[Any]:
    """Run in this many threads that start together, each with its own connection."""
    key = issue_key(source)
    barrier = Barrier(threads)

    def run(_: int) -> Any:
        client = Client(headers={"Authorization": f"Api-Key {key}"}, raise_request_exception=False)
        try:
            client.get("/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/")  # connect before the start
            barrier.wait(30)
            return send(client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def send_with_key(client: Client) -> Any:
    return client.post(LEADS, VALID, content_type="application/json", headers={"Idempotency-Key": "k1"})


def test_one_idempotency_key_makes_one_lead(source: Source) -> None:
    """A losing request gets the stored answer, or a conflict while the first is still running."""
    answers = at_once(send_with_key, source=source)
    lead = Lead.objects.get()
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert codes[201] >= 1
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {str(lead.public_id)}
    fresh = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a]
    assert len(fresh) == 1
    assert IdempotencyRecord.objects.count() == 1


def test_without_the_lock_the_unique_key_still_holds_but_senders_see_failures(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: why the lock exists. Without it several do the work, and all but one fail when they store it."""
    together = Barrier(THREADS, timeout=30)
    find = idempotency._find

    def find_together(request: idempotency.IdempotentRequest) -> Any:
        found = find(request)
        together.wait()
        return found

    monkeypatch.setattr(idempotency, "_lock", lambda _: None)
    monkeypatch.setattr(idempotency, "_find", find_together)
    codes = Counter(answer.status_code for answer in at_once(send_with_key, source=source))
    assert codes == {201: 1, 500: THREADS - 1}
    assert Lead.objects.count() == 1


def test_one_external_id_makes_one_lead(source: Source) -> None:
    def send(client: Client) -> Any:
        return client.post(LEADS, {**VALID, "external_id": "x"}, content_type="application/json")

    answers = at_once(send, source=source)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: THREADS - 1}
    lead = Lead.objects.get()
    named = {answer.json()["error"]["lead_id"] for answer in answers if answer.status_code == 409}
    assert named == {str(lead.public_id)}


def test_simultaneous_cancellations_end_the_lead_once(source: Source) -> None:
    lead = LeadFactory.create(source=source)
    answers = at_once(lambda client: client.delete(f"{LEADS}{lead.public_id}/"), source=source)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["finished_at"] for answer in answers}) == 1
