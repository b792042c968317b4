"""The reconciler `deliveries`: ends leases of lost deliverers, and removes old bodies."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.claim import claim_due
from distribution.deliveries.keeping import KEPT
from distribution.models import Delivery, DeliveryTry, Endpoint
from distribution.reconcile import deliveries
from routing.reconcile import find_reconciler, run_reconciler
from tests.support.factories import DeliveryFactory
from tests.support.holds import asking_campaign, lead_of
from tracing.reconciling import Counts

pytestmark = pytest.mark.usefixtures("committed_db")


def run(*, fix: bool) -> Counts:
    return run_reconciler(find_reconciler("deliveries"), fix=fix)


@pytest.mark.finds("deliveries")
def test_expired_lease_is_ended_and_the_message_is_due_again() -> None:
    delivery = DeliveryFactory()
    assert len(claim_due(limit=1)) == 1
    assert run(fix=True).found == 0, "its lease is not over"
    Delivery.objects.update(leased_until=timezone.now() - timedelta(minutes=1))

    looked = run(fix=False)
    assert (looked.found, looked.skipped, looked.named) == (1, 1, (f"delivery {delivery.pk}",))
    ended = run(fix=True)

    assert (ended.repaired, ended.skipped) == (1, 0)
    delivery.refresh_from_db()
    assert delivery.state == "pending"
    assert DeliveryTry.objects.get().outcome == "worker_lost"


def test_bodies_are_removed_after_thirty_days() -> None:
    now = timezone.now()
    for started_at in (now - KEPT - timedelta(hours=1), now - KEPT + timedelta(hours=1)):
        DeliveryTry.objects.create(
            delivery=DeliveryFactory(),
            number=1,
            started_at=started_at,
            request_head="POST",
            request_body="Ann",
            answer_body="Ann",
        )

    run(fix=True)

    bodies = DeliveryTry.objects.order_by("started_at").values_list(
        "request_head", "request_body", "answer_body"
    )
    assert list(bodies) == [("POST", "", ""), ("POST", "Ann", "Ann")]


def test_one_that_cannot_be_ended_leaves_the_others_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = (direct_post_to_an_endpoint_that_is_off() for _ in range(2))
    end = deliveries.end_stranded

    def fail(delivery_id: int, *, at: datetime) -> bool:
        if delivery_id == bad:
            raise ZeroDivisionError
        return end(delivery_id, at=at)

    monkeypatch.setattr(deliveries, "end_stranded", fail)
    ended = run(fix=True)
    assert (ended.repaired, ended.skipped) == (1, 1)
    assert Delivery.objects.get(pk=good).state == "rejected"
    assert Delivery.objects.get(pk=bad).state == "pending"


def direct_post_to_an_endpoint_that_is_off() -> int:
    campaign = asking_campaign(buyers=1)
    distribute_lead(lead_of(campaign, at=timezone.now()).pk)
    post = Delivery.objects.select_related("endpoint").get(assignment__campaign=campaign)
    Endpoint.objects.filter(pk=post.endpoint_id).update(active=False)
    return int(post.pk)
