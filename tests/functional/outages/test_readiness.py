"""A server is ready while it can store leads. Other degraded parts are named, and it stays ready."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from distribution.calls.liveness import ALIVE_SECONDS as DIALER_ALIVE_SECONDS
from distribution.calls.liveness import forget_dialer, write_dialer_heartbeat
from distribution.deliveries import liveness
from distribution.deliveries.liveness import ALIVE_SECONDS, forget_deliverer, write_deliverer_heartbeat
from distribution.models import Channel, Endpoint
from leadswitch import health
from leadswitch.metrics import PART_OK
from routing.dispatch import canary, workers
from routing.dispatch.control import write_leader_heartbeat
from routing.models import DispatchPath
from tests.support.factories import CallFactory, ChannelFactory, EndpointFactory
from tests.support.reconciled import all_ran
from tests.support.redis_faults import refusing_writes

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")


def look() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def part_ok(name: str) -> float:
    return float(PART_OK.labels(part=name)._value.get())


@pytest.fixture
def working(own_redis: "redis.Redis[str]") -> "redis.Redis[str]":
    """A dispatcher leads, a worker lives, every canary is back."""
    write_leader_heartbeat("one", epoch=1, path=DispatchPath.REDIS)
    workers.write_worker_heartbeat("celery@one")
    all_ran()
    canary.send()
    execute("UPDATE routing_canary SET back_at = clock_timestamp(), out_since = NULL")
    return own_redis


def test_healthy_dispatch_has_no_findings(working: "redis.Redis[str]") -> None:
    assert working.ping()
    status, body = look()
    assert (status, body["ready"], body["degraded"]) == (200, True, [])
    assert all(
        part_ok(name)
        for name in (
            "database",
            "redis",
            "dispatcher",
            "workers",
            "canary",
            "reconcilers",
            "deliverer",
            "dialer",
        )
    )


def test_without_redis_the_server_is_ready_and_degraded(working: "redis.Redis[str]") -> None:
    working.shutdown(nosave=True)
    status, body = look()
    assert (status, body["redis"], body["degraded"]) == (200, "unavailable", ["redis", "workers"])
    assert (part_ok("database"), part_ok("redis")) == (1, 0)


def test_full_redis_is_distinguished(working: "redis.Redis[str]") -> None:
    with refusing_writes(working):
        status, body = look()
    assert (status, body["redis"], body["degraded"]) == (200, "refuses writes", ["redis"])


def test_late_canary_is_reported(working: "redis.Redis[str]") -> None:
    assert working.ping()
    execute("UPDATE routing_canary SET out_since = clock_timestamp() - interval '1 minute' WHERE shard = 2")
    status, body = look()
    assert (status, body["canary"], body["degraded"]) == (200, "late", ["canary"])


def beat(*, seconds_ago: int) -> None:
    write_deliverer_heartbeat("one", at=timezone.now() - timedelta(seconds=seconds_ago))


def test_missing_deliverer_is_reported_while_an_endpoint_is_on(working: "redis.Redis[str]") -> None:
    """Leads are stored and sold without it."""
    assert working.ping()
    assert look()[1]["deliverer"] == "ok", "there is no endpoint, so none is needed"
    endpoint = EndpointFactory()
    status, body = look()
    assert (status, body["deliverer"], body["degraded"]) == (200, "none", ["deliverer"])
    assert part_ok("deliverer") == 0

    beat(seconds_ago=ALIVE_SECONDS + 5)
    assert look()[1]["deliverer"] == "none", "its heartbeat is old"
    beat(seconds_ago=ALIVE_SECONDS - 5)
    assert (look()[1]["degraded"], part_ok("deliverer")) == ([], 1)

    forget_deliverer("one")
    assert look()[1]["deliverer"] == "none"
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False)
    assert look()[1]["deliverer"] == "ok", "messages of an endpoint that is off wait for a person"


def test_deliverer_is_unknown_while_its_table_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "IS_MISSING", "SELECT %s::int / 0")
    status, body = look()
    assert (status, body["database"], body["deliverer"]) == (200, "ok", "unknown")


def test_degraded_part_is_logged_after_startup(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STARTED_AT", time.monotonic())
    assert look()[1]["degraded"]
    assert _logged(caplog) == []

    monkeypatch.setattr(health, "STARTED_AT", time.monotonic() - health.STARTUP_SECONDS - 1)
    assert look()[1]["degraded"]
    assert _logged(caplog) == ["WARNING"]


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.levelname for each in caplog.records if "degraded" in str(each.msg)]


def test_missing_dialer_is_reported_while_a_channel_is_enabled(working: "redis.Redis[str]") -> None:
    assert working.ping()
    channel = ChannelFactory(is_enabled=False)
    assert look()[1]["dialer"] == "ok", "there is no channel, so none is needed"
    Channel.objects.update(is_enabled=True)
    status, body = look()
    assert (status, body["dialer"], body["degraded"]) == (200, "none", ["dialer"])

    write_dialer_heartbeat("one", at=timezone.now() - timedelta(seconds=DIALER_ALIVE_SECONDS + 1))
    assert look()[1]["dialer"] == "none", "its heartbeat is old"
    write_dialer_heartbeat("one", at=timezone.now())
    assert (look()[1]["degraded"], part_ok("dialer")) == ([], 1)

    forget_dialer("one")
    assert look()[1]["dialer"] == "none"
    Channel.objects.update(is_enabled=False)
    CallFactory(channel=channel, account=channel.account)
    assert look()[1]["dialer"] == "none", "a call that is out needs one too"
