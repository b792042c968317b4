"""`manage.py deliverer` as a process: woken by a sale, killed, stopped, and beside a buyer that hangs."""

import signal
import threading
from pathlib import Path

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Deliverer, Delivery, DeliveryTry, Endpoint, Event
from tests.support.buyer_system import BuyerSystem, Reply, buyer_system
from tests.support.delivering import sign
from tests.support.factories import (
    BuyerFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
)
from tests.support.processes import deliverer
from tests.support.subscribing import subscribe
from tests.support.waiting import LONGEST_SECONDS, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")


def endpoint_of(system: BuyerSystem, **columns: object) -> Endpoint:
    endpoint: Endpoint = EndpointFactory(url=system.url, **columns)
    sign(endpoint)
    return endpoint


def count(state: str) -> int:
    return Delivery.objects.filter(state=state).count()


def wait_for(state: str, *, deliveries: int = 1) -> None:
    wait_until(lambda: count(state) == deliveries, what=f"{deliveries} deliveries that are {state}")


def wait_until_alive() -> None:
    wait_until(Deliverer.objects.exists, what="the heartbeat of a deliverer")


def outcomes() -> list[str]:
    return list(DeliveryTry.objects.order_by("delivery_id", "number").values_list("outcome", flat=True))


def test_sale_wakes_the_deliverer(tmp_path: Path, system: BuyerSystem) -> None:
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    endpoint_of(system, buyer=enrollment.buyer)
    with deliverer(tmp_path, LEADSWITCH_DELIVERER_POLL_MS="10000"):
        wait_until_alive()
        distribute_lead(LeadFactory(source__workspace=enrollment.campaign.workspace).pk)
        wait_for("accepted")
    delivery = Delivery.objects.get()
    assert delivery.first_try_at is not None
    assert (delivery.first_try_at - delivery.created_at).total_seconds() < 5
    assert system.message_ids() == [str(delivery.message_id)]


def test_killed_between_request_and_result_it_is_sent_again_with_the_same_id(
    tmp_path: Path, system: BuyerSystem
) -> None:
    held = threading.Event()
    system.answer_with(Reply(waits_for=held), Reply())
    delivery = DeliveryFactory(endpoint=endpoint_of(system))
    with deliverer(tmp_path) as first:
        wait_until(lambda: bool(system.asked), what="the first request")
        first.process.kill()
        first.process.wait(LONGEST_SECONDS)
    held.set()
    assert outcomes() == [""], "its try was committed before the request went out"
    Delivery.objects.update(leased_until=timezone.now())

    with deliverer(tmp_path, "second"):
        wait_for("accepted")

    assert outcomes() == ["worker_lost", "accepted"]
    assert system.message_ids() == [str(delivery.message_id)] * 2


def test_two_deliverers_send_each_message_once(tmp_path: Path, system: BuyerSystem) -> None:
    endpoint = endpoint_of(system, max_in_flight=8)
    DeliveryFactory.create_batch(60, endpoint=endpoint)
    with deliverer(tmp_path), deliverer(tmp_path, "second"):
        wait_for("accepted", deliveries=60)
    assert len(set(system.message_ids())) == len(system.asked) == 60
    assert outcomes() == ["accepted"] * 60
    assert system.most_at_once <= 8


def test_buyer_that_hangs_holds_nobody_up(tmp_path: Path, system: BuyerSystem) -> None:
    held = threading.Event()
    with buyer_system(Reply(waits_for=held)) as slow:
        DeliveryFactory.create_batch(10, endpoint=endpoint_of(slow, timeout_seconds=60))
        DeliveryFactory.create_batch(20, endpoint=endpoint_of(system))
        with deliverer(tmp_path, LEADSWITCH_DELIVERER_THREADS="8"):
            wait_for("accepted", deliveries=20)
            assert slow.most_at_once == 4
            assert count("posting") == 4
            held.set()
            wait_for("accepted", deliveries=30)


def test_subscribers_that_hang_hold_no_lead_up(tmp_path: Path, system: BuyerSystem) -> None:
    """Each has a limit of its own, and together they would take every thread."""
    held = threading.Event()
    buyer = BuyerFactory()
    event = Event.objects.create(
        kind="wallet.low",
        happened_at=timezone.now(),
        buyer_id=buyer.pk,
        workspace_id=buyer.workspace_id,
        facts=dict.fromkeys(("balance_cents", "held_cents", "available_cents", "notice_below_cents"), 1),
    )
    with buyer_system(Reply(waits_for=held)) as slow:
        for _ in range(4):
            subscription = subscribe(buyer, "wallet.low", url=slow.url, timeout_seconds=60)
            DeliveryFactory.create_batch(2, endpoint=subscription, event=event, lead=None)
        with deliverer(tmp_path, LEADSWITCH_DELIVERER_THREADS="4"):
            wait_until(lambda: slow.most_at_once == 2, what="the requests of the subscribers")
            DeliveryFactory.create_batch(5, endpoint=endpoint_of(system))
            wait_for("accepted", deliveries=5)
            assert slow.most_at_once == 2
            held.set()
            wait_for("accepted", deliveries=13)


def test_stopped_deliverer_writes_the_results_of_its_requests(tmp_path: Path, system: BuyerSystem) -> None:
    held = threading.Event()
    system.answer_with(Reply(waits_for=held))
    DeliveryFactory(endpoint=endpoint_of(system))
    with deliverer(tmp_path) as running:
        wait_until(lambda: bool(system.asked), what="the request")
        running.process.send_signal(signal.SIGTERM)
        held.set()
        assert running.process.wait(LONGEST_SECONDS) == 0
    assert (outcomes(), count("accepted")) == (["accepted"], 1)
    assert not Deliverer.objects.exists()
