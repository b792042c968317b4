"""Rows of pings, of what asks with them and of what refers to them, that the database refuses by name."""

from collections.abc import Callable
from typing import Any, Final

from django.utils import timezone

from tests.support.delivery_breaches import twice
from tests.support.factories import (
    EndpointFactory,
    LeadFactory,
    PingEndpointFactory,
    PingFactory,
    SourceFactory,
)


def _expire_at_once() -> None:
    now = timezone.now()
    PingFactory(created_at=now, expires_at=now)


def _use_again() -> None:
    ping = PingFactory()
    twice(LeadFactory, source=ping.source, ping=ping)


PING_BREACHES: Final[list[tuple[str, Callable[[], Any]]]] = [
    ("ping_price_or_reason", lambda: PingFactory(price_cents=None, campaign_id=None)),
    ("ping_price_or_reason", lambda: PingFactory(price_cents=None)),
    ("ping_price_or_reason", lambda: PingFactory(reason="no_buyer")),
    ("ping_price_or_reason", lambda: PingFactory(campaign_id=None)),
    ("ping_price_or_reason", lambda: PingFactory(price_cents=-1)),
    ("ping_expires_later", _expire_at_once),
    ("lead_ping_used_once", _use_again),
    ("source_ping_seconds_range", lambda: SourceFactory(ping_seconds=9)),
    ("source_ping_seconds_range", lambda: SourceFactory(ping_seconds=3_601)),
    ("source_after_promise_known", lambda: SourceFactory(after_promise="keep")),
    ("endpoint_ping_reads_a_price", lambda: PingEndpointFactory(price_path="")),
    ("endpoint_ping_reads_a_price", lambda: PingEndpointFactory(method="webhook")),
    ("endpoint_ping_reads_a_price", lambda: EndpointFactory(bid_id_path="id")),
    ("endpoint_ping_reads_a_price", lambda: EndpointFactory(price_unit="cents")),
    ("endpoint_price_unit_known", lambda: PingEndpointFactory(price_unit="pounds")),
]
