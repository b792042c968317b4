"""A deliverer remembers endpoints. Whatever changes about one holds for the next message."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.deliveries.claim import claim_due
from distribution.deliveries.content import Work, read_work
from distribution.deliveries.destinations import LONGEST_KEPT, Destinations
from distribution.models import Endpoint, EndpointSecret
from tests.support.delivering import sign
from tests.support.factories import DeliveryFactory, EndpointFactory

OTHER_URL = "https://other.example.com/leads"


@pytest.fixture
def endpoint(db: None) -> Endpoint:  # noqa: ARG001
    endpoint: Endpoint = EndpointFactory(max_in_flight=50)
    sign(endpoint)
    return endpoint


def read_next(endpoint: Endpoint, destinations: Destinations, *, after: timedelta = timedelta()) -> Work:
    DeliveryFactory(endpoint=endpoint)
    [work] = read_work(claim_due(limit=1), at=timezone.now() + after, destinations=destinations)
    return work


def test_unchanged_endpoint_is_not_read_again(endpoint: Endpoint) -> None:
    destinations = Destinations()
    first = read_next(endpoint, destinations)
    DeliveryFactory(endpoint=endpoint)
    claims = claim_due(limit=1)

    with CaptureQueriesContext(
        connection,
    ) as statements:
        [second] = read_work(claims, at=timezone.now(), destinations=destinations)

    assert second.destination is first.destination
    assert len(statements) == 1, "the lead"


def set_url(endpoint: Endpoint) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(url=OTHER_URL)


def set_template(endpoint: Endpoint) -> None:
    endpoint.template = {"Name": "{first_name}"}
    endpoint.save(update_fields=["template"])


def rename_buyer(endpoint: Endpoint) -> None:
    assert endpoint.buyer is not None
    endpoint.buyer.name = "Renamed"
    endpoint.buyer.save(update_fields=["name"])


def rotate(endpoint: Endpoint) -> None:
    sign(endpoint)


def end_secret(endpoint: Endpoint) -> None:
    EndpointSecret.objects.filter(endpoint=endpoint).update(expires_at=timezone.now() - timedelta(seconds=1))


def remove_secrets(endpoint: Endpoint) -> None:
    EndpointSecret.objects.filter(endpoint=endpoint).delete()


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (set_url, lambda work: work.endpoint.url),
        (set_template, lambda work: work.endpoint.template),
        (rename_buyer, lambda work: work.lead.buyer),
        (rotate, lambda work: len(work.destination.signing)),
        (end_secret, lambda work: work.destination.problem),
        (remove_secrets, lambda work: work.destination.problem),
    ],
)
def test_change_holds_for_the_next_message(
    endpoint: Endpoint, change: Callable[[Endpoint], None], read: Callable[[Work], object]
) -> None:
    """What is read with an empty memory is the truth."""
    destinations = Destinations()
    before = read(read_next(endpoint, destinations))

    change(endpoint)

    after = read(read_next(endpoint, destinations))
    assert after != before
    assert after == read(read_next(endpoint, Destinations()))


def test_endpoint_is_forgotten_after_a_minute(endpoint: Endpoint) -> None:
    """Its decrypted secrets do not stay in memory."""
    destinations = Destinations()
    first = read_next(endpoint, destinations)

    later = read_next(endpoint, destinations, after=LONGEST_KEPT + timedelta(seconds=1))

    assert later.destination is not first.destination
