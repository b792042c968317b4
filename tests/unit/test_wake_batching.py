"""How the waker gathers leads into messages."""

import time

from routing.wake import LEADS_A_MESSAGE, Waker


def filled(count: int) -> Waker:
    waker = Waker()
    for lead_id in range(count):
        waker._waiting.put(lead_id)
    return waker


def test_leads_that_come_during_the_pause_go_together() -> None:
    assert filled(3)._gather(time.monotonic() + 0.01) == [0, 1, 2]


def test_a_full_message_waits_for_nothing() -> None:
    far_ahead = time.monotonic() + 3600

    assert filled(LEADS_A_MESSAGE + 5)._gather(far_ahead) == list(range(LEADS_A_MESSAGE))
