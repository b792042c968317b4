"""A sale that was taken back is not delivered any more, also not by mistake."""

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import ResolutionRefused, resend
from distribution.deliveries.claim import claim_due, read_seconds_until_due
from distribution.deliveries.content import read_work
from distribution.deliveries.leases import end_expired
from distribution.deliveries.trying import not_sent
from distribution.models import Assignment, Delivery, Endpoint, Event, EventKind
from distribution.reconcile import deliveries
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import claim_and_try, deliver_due, record, sign
from tests.support.direct_posts import outcomes
from tests.support.factories import DeliveryFactory, EndpointFactory, EnrollmentFactory, LeadFactory
from tests.support.returning import return_assignment

REASON = "sale_taken_back"


@pytest.fixture
def endpoint(db: None, system: BuyerSystem) -> Endpoint:  # noqa: ARG001
    enrollment = EnrollmentFactory(buyer__credits_cents=100_000)
    endpoint: Endpoint = EndpointFactory(buyer=enrollment.buyer, url=system.url, timeout_seconds=2)
    sign(endpoint)
    return endpoint


@pytest.fixture
def delivery(endpoint: Endpoint) -> Delivery:
    """It waits to send a lead that was sold to the endpoint's buyer."""
    lead = LeadFactory(source__workspace=endpoint.buyer.workspace)
    assert distribute_lead(lead.pk).result == "success"
    return Delivery.objects.get()


def take_back(*, at: datetime | None = None) -> None:
    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="wrong number", at=at)


def reload(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def test_return_cancels_what_was_not_sent(delivery: Delivery, system: BuyerSystem) -> None:
    at = timezone.now()
    take_back(at=at)

    ended = reload(delivery)
    assert (ended.state, ended.ended_at, ended.end_reason, ended.next_try_at) == (
        "cancelled",
        at,
        REASON,
        None,
    )
    assert deliver_due(at=at + timedelta(days=1)).count == 0
    assert system.asked == []


def test_delivery_of_another_sale_is_not_canceled(delivery: Delivery) -> None:
    other = LeadFactory(source__workspace=delivery.endpoint.buyer.workspace)
    assert distribute_lead(other.pk).result == "success"
    sale = Assignment.objects.get(lead=other)

    return_assignment(sale.public_id, actor="ann", reason="wrong number")

    assert reload(delivery).state == "pending"
    assert Delivery.objects.get(assignment=sale).state == "cancelled"


@pytest.mark.parametrize("reply", [Reply(500), Reply(cuts=True)], ids=["5xx", "cut"])
def test_failure_after_the_return_schedules_no_retry(
    delivery: Delivery, system: BuyerSystem, reply: Reply
) -> None:
    system.answer_with(reply)
    running = claim_and_try()
    take_back()
    assert reload(delivery).state == "posting", "its answer is still written"

    record(running)

    ended = reload(delivery)
    assert (ended.state, ended.end_reason, ended.next_try_at) == ("cancelled", REASON, None)
    assert ended.ended_at is not None
    assert outcomes(delivery) == ["unknown"]


@pytest.mark.parametrize(("status", "state"), [(200, "accepted"), (422, "rejected")])
def test_answer_after_the_return_ends_the_delivery(
    delivery: Delivery, system: BuyerSystem, status: int, state: str
) -> None:
    system.answer_with(Reply(status))
    running = claim_and_try()
    take_back()

    record(running)

    assert reload(delivery).state == state


def test_lost_worker_after_the_return_is_not_replaced(delivery: Delivery) -> None:
    claim_and_try()
    take_back()
    until = reload(delivery).leased_until
    assert until is not None

    assert end_expired(at=until + timedelta(seconds=1), limit=10) == 1

    assert (reload(delivery).state, reload(delivery).end_reason) == ("cancelled", REASON)
    assert outcomes(delivery) == ["worker_lost"]


@pytest.mark.usefixtures("delivery")
def test_claimed_delivery_is_not_sent_if_its_sale_was_returned_in_between(system: BuyerSystem) -> None:
    claims = claim_due(limit=1)
    take_back()

    [work] = read_work(claims, at=timezone.now())

    assert work.destination.problem == REASON
    record([not_sent(work, error=REASON, started=time.monotonic())])
    assert system.asked == []
    assert Endpoint.objects.get().failing_since is None, "it was not asked, so it did not fail"


def make_left_over(delivery: Delivery) -> None:
    """As a version without this check, or a person at the database, leaves it."""
    take_back()
    Delivery.objects.filter(pk=delivery.pk).update(
        state="pending", next_try_at=timezone.now() - timedelta(minutes=1), ended_at=None
    )


def test_claim_passes_over_a_sale_that_was_taken_back(delivery: Delivery) -> None:
    make_left_over(delivery)

    assert list(claim_due(limit=10)) == []
    assert read_seconds_until_due() is None, "a deliverer must not look for it all the time"


def test_reconciler_cancels_what_is_left_over(delivery: Delivery) -> None:
    make_left_over(delivery)

    assert deliveries.run(fix=False, limit=10).named == (f"delivery {delivery.pk}",)
    assert reload(delivery).state == "pending"
    counts = deliveries.run(fix=True, limit=10)

    assert (counts.repaired, counts.skipped) == (1, 0)
    assert (reload(delivery).state, reload(delivery).end_reason) == ("cancelled", REASON)


@pytest.mark.usefixtures("delivery")
def test_event_about_a_returned_sale_is_still_sent(endpoint: Endpoint) -> None:
    sale = Assignment.objects.get()
    facts = {"buyer_id": sale.buyer_id, "assignment_id": sale.pk, "lead_id": sale.lead_id}
    event = Event.objects.create(kind=EventKind.LEAD_RETURNED, happened_at=timezone.now(), **facts)
    waiting = DeliveryFactory(endpoint=endpoint, lead=None, event=event)
    take_back()

    assert [each.id for each in claim_due(limit=10)] == [waiting.pk]


@pytest.mark.parametrize("is_sent", [False, True])
def test_returned_lead_is_not_sent_again(delivery: Delivery, system: BuyerSystem, *, is_sent: bool) -> None:
    if is_sent:
        deliver_due()
    take_back()
    asked = len(system.asked)
    before = list(Delivery.objects.values())

    with pytest.raises(ResolutionRefused, match=r"the buyer returned this lead.*assign the lead by hand"):
        resend(delivery.pk, at=timezone.now(), actor="ann", reason="again")

    assert list(Delivery.objects.values()) == before
    assert deliver_due().count == 0
    assert len(system.asked) == asked
