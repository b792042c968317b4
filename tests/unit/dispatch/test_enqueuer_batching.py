"""How a process collects leads to enqueue, and how those in flight are grouped into messages."""

import time
from datetime import UTC, datetime

import pytest

from routing.dispatch import publish
from routing.dispatch.enqueuer import LEADS_PER_BATCH, MANY_WAITING, Enqueuer
from routing.dispatch.retry_buffer import BufferedPart
from routing.dispatch.schedule import LEADS_PER_CALL, Dispatched
from routing.queries import DueTime

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def due(lead_id: int) -> DueTime:
    return DueTime(lead_id, 1, "event", NOW)


def filled(count: int) -> Enqueuer:
    hands = Enqueuer(lambda _: [], lambda _: BufferedPart())
    for lead_id in range(count):
        hands._waiting.put(due(lead_id))
    return hands


def test_leads_enqueued_during_the_delay_are_one_batch() -> None:
    assert filled(3)._gather(time.monotonic() + 0.01) == [due(0), due(1), due(2)]


def test_full_batch_does_not_wait() -> None:
    far_ahead = time.monotonic() + 3600

    assert filled(LEADS_PER_BATCH + 5)._gather(far_ahead) == [
        due(number) for number in range(LEADS_PER_BATCH)
    ]


def test_long_queue_is_enqueued_in_large_batches() -> None:
    batch = filled(MANY_WAITING + 1)._gather(0.0)
    assert len(batch) == LEADS_PER_CALL


@pytest.mark.parametrize(("leads", "messages"), [(1, [1]), (4, [1] * 4), (9, [3, 3, 3]), (1_000, [50] * 20)])
def test_leads_of_a_shard_are_published_in_several_messages(leads: int, messages: list[int]) -> None:
    """So that several workers share them."""
    dispatched = [Dispatched(lead_id, 1, 0, 0) for lead_id in range(leads)]
    parts = list(publish._in_messages(dispatched))
    assert [len(part) for part in parts] == messages
    assert [lead for part in parts for lead in part] == dispatched
