"""Delivers what is due in this thread, with the steps of the deliverer and without its threads."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network

from django.utils import timezone

from distribution.deliveries.claim import claim_csv, claim_due
from distribution.deliveries.content import read_work
from distribution.deliveries.deliverer import group
from distribution.deliveries.outbound import OutboundClient, Policy
from distribution.deliveries.results import Recorded, record_results
from distribution.deliveries.secrets import make_secret
from distribution.deliveries.tried import Tried
from distribution.deliveries.trying import try_together
from distribution.models import Endpoint

LOCAL = (ip_network("127.0.0.0/8"),)


def local_client() -> OutboundClient:
    """May connect to the servers of this machine."""
    return OutboundClient(Policy(LOCAL))


def sign(endpoint: Endpoint) -> str:
    return make_secret(endpoint, at=timezone.now(), actor="test")


def claim_and_try(*, at: datetime | None = None, limit: int = 100) -> list[Tried]:
    """Claim and send what is due, without writing the results."""
    claims = [*claim_due(limit=limit, at=at), *claim_csv(at=at)]
    client = local_client()
    try:
        tasks = group(read_work(claims, at=at or timezone.now()))
        return [tried for task in tasks for tried in try_together(task, client=client, clock=timezone.now)]
    finally:
        client.close()


def deliver_due(*, at: datetime | None = None, limit: int = 100) -> Recorded:
    """One round: every due delivery is tried once."""
    return record(claim_and_try(at=at, limit=limit), at=at)


def record(tries: Sequence[Tried], *, at: datetime | None = None) -> Recorded:
    return record_results(tries, at=at or timezone.now())
