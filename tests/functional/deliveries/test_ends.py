"""A delivery has three ends: accepted, rejected, and unknown, which is tried again and then waits for a person."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.deliveries.by_hand import ResolutionRefused, resend, resolve
from distribution.deliveries.leases import end_expired
from distribution.models import Delivery, DeliveryState, DeliveryTry, Endpoint
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import claim_and_try, deliver_due
from tests.support.factories import DeliveryFactory, EndpointFactory
from tests.support.ports import free_port
from tracing.models import AuditEntry

LEAD_TRIES = 11


def reload(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def last_try(delivery: Delivery) -> DeliveryTry:
    return DeliveryTry.objects.filter(delivery=delivery).latest("number")


def use_up(delivery: Delivery) -> datetime:
    """Try until no retry is left. Returns the time of the last try."""
    at = timezone.now()
    for _ in range(LEAD_TRIES):
        deliver_due(at=at)
        due_at = reload(delivery).next_try_at
        at = due_at or at
    assert due_at is None
    return at


def test_accepted_delivery_ends_with_its_try(endpoint: Endpoint, system: BuyerSystem) -> None:
    delivery = DeliveryFactory(endpoint=endpoint)

    assert deliver_due().count == 1

    ended, tried = reload(delivery), last_try(delivery)
    assert (ended.state, ended.tries, ended.next_try_at, ended.leased_until) == ("accepted", 1, None, None)
    assert ended.ended_at is not None
    assert (tried.number, tried.outcome, tried.status_code, tried.error) == (1, "accepted", 200, "")
    assert json.loads(tried.request_body) == json.loads(system.asked[0].body)
    assert system.message_ids() == [str(delivery.message_id)]
    assert deliver_due().count == 0


def test_request_is_stored_without_its_signature(endpoint: Endpoint) -> None:
    delivery = DeliveryFactory(endpoint=endpoint)

    deliver_due()

    head = last_try(delivery).request_head
    assert f"webhook-id: {delivery.message_id}" in head
    assert "v1," not in head


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(422, '{"why": "no such ZIP"}'), "no such ZIP"),
        (Reply(200, '{"status": "failure", "why": "too old"}'), "too old"),
        (Reply(404), "answered 404"),
    ],
    ids=["4xx", "2xx with a failure", "4xx without a reason"],
)
def test_rejected_delivery_has_the_words_of_the_buyer(
    endpoint: Endpoint, system: BuyerSystem, reply: Reply, reason: str
) -> None:
    endpoint.accept_path, endpoint.accept_term, endpoint.reason_path = "status", "success", "why"
    endpoint.save()
    system.answer_with(reply)
    delivery = DeliveryFactory(endpoint=endpoint)

    deliver_due()

    ended = reload(delivery)
    assert (ended.state, ended.end_reason, ended.tries) == ("rejected", reason, 1)
    assert last_try(delivery).outcome == "rejected"


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(500), "status_500"), (Reply(429), "status_429"), (Reply(cuts=True), "connection_cut")],
    ids=["5xx", "429", "cut"],
)
def test_unknown_is_tried_again_with_the_same_message_id(
    endpoint: Endpoint, system: BuyerSystem, reply: Reply, error: str
) -> None:
    system.answer_with(reply, Reply())
    delivery, at = DeliveryFactory(endpoint=endpoint), timezone.now()

    deliver_due(at=at)

    waiting = reload(delivery)
    assert (waiting.state, waiting.tries) == ("pending", 1)
    assert waiting.next_try_at is not None
    assert timedelta(seconds=0.8) <= waiting.next_try_at - at <= timedelta(seconds=1.2)
    assert (last_try(delivery).outcome, last_try(delivery).error) == ("unknown", error)
    assert deliver_due(at=at).count == 0

    deliver_due(at=waiting.next_try_at)

    assert reload(delivery).state == "accepted"
    assert system.message_ids() == [str(delivery.message_id)] * 2


def test_buyer_that_cannot_be_reached_is_not_sent_anything(endpoint: Endpoint) -> None:
    endpoint.url = f"http://127.0.0.1:{free_port()}/"
    endpoint.save()
    delivery = DeliveryFactory(endpoint=endpoint)

    deliver_due()

    assert (reload(delivery).state, last_try(delivery).outcome) == ("pending", "not_sent")


def test_retry_after_is_honored_up_to_twice_the_step(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(503, headers={"Retry-After": "3600"}))
    delivery, at = DeliveryFactory(endpoint=endpoint), timezone.now()

    deliver_due(at=at)

    assert reload(delivery).next_try_at == at + timedelta(seconds=2)


def test_unknown_after_the_last_retry_waits_for_a_person(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(500))
    delivery = DeliveryFactory(endpoint=endpoint)

    at = use_up(delivery)

    waiting = reload(delivery)
    assert (waiting.state, waiting.tries, waiting.ended_at) == ("unknown", LEAD_TRIES, None)
    assert waiting.end_reason == "status_500"
    assert deliver_due(at=at + timedelta(days=1)).count == 0


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.REJECTED])
def test_person_decides_an_unknown_delivery_once(
    endpoint: Endpoint, system: BuyerSystem, state: DeliveryState
) -> None:
    system.answer_with(Reply(500))
    delivery = DeliveryFactory(endpoint=endpoint)
    at = use_up(delivery)

    resolve(delivery.pk, state=state, at=at, actor="ann", reason="the buyer called")

    ended = reload(delivery)
    assert (ended.state, ended.ended_at, ended.ended_by) == (state, at, "ann")
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor, entry.reason) == (f"{state} by hand", "ann", "the buyer called")
    assert entry.workspace_id == endpoint.buyer.workspace_id
    with pytest.raises(ResolutionRefused, match="no longer waits for a decision"):
        resolve(delivery.pk, state=DeliveryState.ACCEPTED, at=at, actor="bob", reason="again")
    assert reload(delivery).ended_by == "ann"


def test_unknown_delivery_is_sent_again_as_the_same_message(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(500))
    delivery = DeliveryFactory(endpoint=endpoint)
    at = use_up(delivery)
    system.answer_with(Reply())

    resend(delivery.pk, at=at, actor="ann", reason="their system is back")
    deliver_due(at=at)

    assert (reload(delivery).state, reload(delivery).tries) == ("accepted", LEAD_TRIES + 1)
    assert set(system.message_ids()) == {str(delivery.message_id)}


def test_accepted_delivery_is_sent_again_as_a_new_message(endpoint: Endpoint, system: BuyerSystem) -> None:
    delivery = DeliveryFactory(endpoint=endpoint)
    deliver_due()

    again = resend(delivery.pk, at=timezone.now(), actor="ann", reason="they lost it")
    deliver_due()

    assert again.pk != delivery.pk
    assert system.message_ids() == [str(delivery.message_id), str(reload(again).message_id)]


def test_gone_endpoint_is_disabled(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(410))
    delivery, other, at = (
        DeliveryFactory(endpoint=endpoint),
        DeliveryFactory(endpoint=endpoint),
        timezone.now(),
    )

    deliver_due(at=at, limit=1)

    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (at, "gone_410")
    assert reload(delivery).state == "rejected"
    assert deliver_due(at=at).count == 0
    assert reload(other).state == "pending"


def test_endpoint_without_success_for_120_hours_is_disabled(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(500))
    DeliveryFactory(endpoint=endpoint)
    begun = timezone.now()
    deliver_due(at=begun)

    for hours, reason in ((119, ""), (120, "no_success_120h")):
        DeliveryFactory(endpoint=endpoint)
        deliver_due(at=begun + timedelta(hours=hours))
        endpoint.refresh_from_db()
        assert (endpoint.failing_since, endpoint.disabled_reason) == (begun, reason)


def test_success_ends_the_time_of_failing(endpoint: Endpoint, system: BuyerSystem) -> None:
    system.answer_with(Reply(500), Reply())
    delivery = DeliveryFactory(endpoint=endpoint)
    at = timezone.now()
    deliver_due(at=at)
    later = reload(delivery).next_try_at

    deliver_due(at=later)

    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.last_success_at) == (None, later)


def test_lost_worker_leaves_a_try_and_the_message_is_sent_again(
    endpoint: Endpoint, system: BuyerSystem
) -> None:
    """The worker is lost after the request, before its result is written."""
    delivery = DeliveryFactory(endpoint=endpoint)
    claim_and_try()
    until = reload(delivery).leased_until
    assert until is not None
    assert end_expired(at=until, limit=10) == 0

    assert end_expired(at=until + timedelta(seconds=1), limit=10) == 1

    waiting = reload(delivery)
    assert (waiting.state, last_try(delivery).outcome) == ("pending", "worker_lost")
    deliver_due(at=waiting.next_try_at)
    assert reload(delivery).state == "accepted"
    assert system.message_ids() == [str(delivery.message_id)] * 2


def test_endpoint_whose_secret_cannot_be_read_sends_nothing(
    endpoint: Endpoint, system: BuyerSystem, settings: Any
) -> None:
    delivery = DeliveryFactory(endpoint=endpoint)
    healthy = DeliveryFactory(
        endpoint=EndpointFactory(url=system.url, method="http", template={"zip": "{zip}"})
    )
    settings.LEADSWITCH_ENCRYPTION_KEY = "another key that is long enough to be one"
    healthy.endpoint.headers = {}
    healthy.endpoint.save()

    deliver_due()

    assert (reload(delivery).state, last_try(delivery).error) == ("pending", "secret_unreadable")
    assert reload(healthy).state == "accepted"


def test_custom_request_sends_the_fields_and_hides_secrets(endpoint: Endpoint, system: BuyerSystem) -> None:
    custom = EndpointFactory(
        buyer=endpoint.buyer,
        url=system.url,
        method="http",
        body_format="form",
        template={"Zip": "{zip}", "Key": {"value": "s3cret-value", "secret": True}},
        headers={"X-Api-Key": "h3ader-secret"},
    )
    delivery = DeliveryFactory(endpoint=custom)

    deliver_due()

    [asked] = system.asked
    assert asked.body == b"Zip=30312&Key=s3cret-value"
    assert asked.headers["x-api-key"] == "h3ader-secret"
    stored = last_try(delivery)
    assert "s3cret-value" not in stored.request_body
    assert "h3ader-secret" not in stored.request_head
