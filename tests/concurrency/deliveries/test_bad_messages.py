"""A message that cannot be read, sent, written or claimed stops no other one, and no deliverer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries import ends as ends_of_tries
from distribution.deliveries import leases, results, trying
from distribution.deliveries.claim import Claimed
from distribution.deliveries.content import NOT_READ
from distribution.deliveries.leases import end_expired
from distribution.deliveries.locks import lock_deliveries
from distribution.deliveries.setting_aside import NOT_CLAIMED, NOT_WRITTEN
from distribution.models import Assignment, Delivery, DeliveryTry, EndpointSecret, Event, Wallet
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.deliverer_here import delivering
from tests.support.delivering import sign
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
)
from tests.support.racing import open_transaction
from tests.support.subscribing import subscribe
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def others(system: BuyerSystem) -> list[int]:
    """Three good messages to one endpoint."""
    endpoint = EndpointFactory(url=system.url)
    sign(endpoint)
    return [each.pk for each in DeliveryFactory.create_batch(3, endpoint=endpoint)]


def message_to(system: BuyerSystem) -> Delivery:
    """Signed by a secret of its endpoint, and due before all others."""
    endpoint = EndpointFactory(url=system.url)
    sign(endpoint)
    made: Delivery = DeliveryFactory(endpoint=endpoint, next_try_at=timezone.now() - timedelta(minutes=1))
    return made


def wait_for_others(others: list[int]) -> None:
    accepted = Delivery.objects.filter(pk__in=others, state="accepted")
    wait_until(lambda: accepted.count() == len(others), what="the other messages")


def ends(delivery: Delivery) -> tuple[str, str, list[tuple[str, str]]]:
    """Its state and reason, and the outcome and error of each try."""
    delivery.refresh_from_db()
    tries = delivery.requests.order_by("number").values_list("outcome", "error")
    return delivery.state, delivery.end_reason, list(tries)


def test_event_that_lacks_a_fact_is_tried_again_and_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int]
) -> None:
    """As after an upgrade whose catalog names a new fact."""
    buyer = BuyerFactory()
    event = Event.objects.create(
        kind="wallet.low", happened_at=timezone.now(), buyer_id=buyer.pk, workspace_id=buyer.workspace_id
    )
    bad = DeliveryFactory(endpoint=subscribe(buyer, url=system.url), event=event, lead=None)
    with delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[2] == [("not_sent", NOT_READ)], what="the try of the bad message")
    assert ends(bad)[0] == "pending"
    assert bad.endpoint.failing_since is None, "the endpoint was not asked"


def test_secret_that_is_none_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int]
) -> None:
    bad = message_to(system)
    EndpointSecret.objects.filter(endpoint=bad.endpoint).delete()
    EndpointSecret.objects.create(endpoint=bad.endpoint, secret="whsec_short")
    with delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[2] == [("not_sent", NOT_READ)], what="the try of the bad message")
    assert ends(bad)[0] == "pending"


def test_failure_while_sending_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, find = message_to(system), trying.find_obstacle

    def fail(work: Any) -> str:
        if work.claimed.id == bad.pk:
            raise ZeroDivisionError
        return find(work)

    monkeypatch.setattr(trying, "find_obstacle", fail)
    with delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[2][:1] == [("unknown", "ZeroDivisionError")], what="the bad try")


@contextmanager
def refusing(delivery: Delivery) -> Iterator[None]:
    """PostgreSQL refuses the results of this delivery, as a constraint would that its answer breaks."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION refuse_result() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$;
            CREATE TRIGGER refuse_result BEFORE UPDATE ON distribution_deliverytry FOR EACH ROW
            WHEN (NEW.delivery_id = {delivery.pk} AND NEW.status_code IS NOT NULL)
            EXECUTE FUNCTION refuse_result();
            """
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_result CASCADE")


def test_result_that_postgresql_refuses_waits_for_a_person_and_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int]
) -> None:
    bad = message_to(system)
    with refusing(bad), delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[0] == "unknown", what="the end of the bad message")
    assert ends(bad) == ("unknown", NOT_WRITTEN, [("unknown", NOT_WRITTEN)])
    assert len(system.asked) == 4, "it was not sent again"


def test_direct_post_whose_result_is_refused_keeps_its_hold(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int]
) -> None:
    campaign = CampaignFactory(sells_on="acceptance", price_cents=2_500)
    buyer = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000).buyer
    sign(EndpointFactory(buyer=buyer, url=system.url))
    distribute_lead(LeadFactory(source__workspace=campaign.workspace).pk)
    bad = Delivery.objects.get(is_direct_post=True)
    with refusing(bad), delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[0] == "unknown", what="the end of the bad message")
    assert ends(bad) == ("unknown", NOT_WRITTEN, [("unknown", NOT_WRITTEN)])
    assert (Assignment.objects.get().state, Wallet.objects.get(buyer=buyer).held_cents) == ("held", 2_500)


def test_result_of_a_defect_waits_for_a_person_and_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, decide = message_to(system), ends_of_tries.decide_next

    def fail(claimed: Claimed, *arguments: Any, **options: Any) -> Any:
        if claimed.id == bad.pk:
            raise ZeroDivisionError
        return decide(claimed, *arguments, **options)

    monkeypatch.setattr(results, "decide_next", fail)
    with delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[0] == "unknown", what="the end of the bad message")
    assert ends(bad) == ("unknown", NOT_WRITTEN, [("unknown", NOT_WRITTEN)])


def test_result_that_waits_for_a_lock_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem
) -> None:
    """It is written once the lock is free."""
    locked = message_to(system)
    with delivering(settings, tmp_path, distribute=distribute_lead):
        answered = threading.Event()
        system.answer_with(Reply(waits_for=answered), Reply())
        wait_until(lambda: len(system.asked) == 1, what="its request")
        with open_transaction(partial(lock_deliveries, [locked.pk])) as end:
            others = DeliveryFactory.create_batch(3, endpoint=locked.endpoint)
            answered.set()
            wait_for_others([each.pk for each in others])
            assert ends(locked)[0] == "posting"
            end()
        wait_until(lambda: ends(locked)[0] == "accepted", what="its end")
    assert len(system.asked) == 4


@pytest.mark.parametrize("tries", [0, 32_767])
def test_message_that_cannot_be_claimed_waits_for_a_person_and_stops_no_other(
    settings: Any, tmp_path: Path, system: BuyerSystem, others: list[int], tries: int
) -> None:
    """Somebody has set its number of tries back by hand, or it was tried as often as can be counted."""
    bad = message_to(system)
    DeliveryTry.objects.create(
        delivery=bad, number=1, started_at=timezone.now(), finished_at=timezone.now(), outcome="unknown"
    )
    Delivery.objects.filter(pk=bad.pk).update(tries=tries)
    with delivering(settings, tmp_path, distribute=distribute_lead):
        wait_for_others(others)
        wait_until(lambda: ends(bad)[0] == "unknown", what="the end of the bad message")
    assert ends(bad) == ("unknown", NOT_CLAIMED, [("unknown", "")])


def lose(*, outcome: str = "") -> Delivery:
    """Its deliverer was lost, and its lease is over."""
    finished_at = timezone.now() if outcome else None
    made: Delivery = DeliveryFactory(
        state="posting", tries=1, next_try_at=None, leased_until=timezone.now() - timedelta(seconds=5)
    )
    DeliveryTry.objects.create(
        delivery=made, number=1, started_at=timezone.now(), finished_at=finished_at, outcome=outcome
    )
    return made


def test_lease_of_a_try_that_has_a_result_ends_for_a_person() -> None:
    """Somebody has set its state back by hand."""
    bad, other = lose(outcome="accepted"), lose()
    assert end_expired(at=timezone.now(), limit=10) == 2
    assert ends(bad) == ("unknown", "worker_lost", [("accepted", "")])
    assert ends(other)[0] == "pending"


def test_lease_that_cannot_be_ended_keeps_no_other_open(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, other, decide = lose(), lose(), ends_of_tries.decide_next

    def fail(claimed: Claimed, *arguments: Any, **options: Any) -> Any:
        if claimed.id == bad.pk:
            raise ZeroDivisionError
        return decide(claimed, *arguments, **options)

    monkeypatch.setattr(leases, "decide_next", fail)
    assert end_expired(at=timezone.now(), limit=10) == 1
    assert (ends(bad)[0], ends(other)[0]) == ("posting", "pending")
