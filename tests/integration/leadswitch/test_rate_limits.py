"""API keys are limited exactly, and not at all during an outage of Redis."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import Settings

from routing.models import Source
from routing.redis import rate_limit
from routing.redis.keys import rate_limit_key
from routing.redis.rate_limit import Allowance, take
from tests.support.factories import SourceFactory, issue_key
from tests.support.ports import free_port

if TYPE_CHECKING:
    import redis

MINUTE = 60_000_000  # µs
# Until the bucket is full after each of four requests, then until another passes: minimum, maximum.
EXPECTED_SECONDS = ((31, 91, 151, 151, 0, 0, 0, 31), (60, 120, 180, 180, 0, 0, 0, 60))


@pytest.fixture(autouse=True)
def fresh_client(redis_client: "redis.Redis[str]") -> Iterator[None]:  # noqa: ARG001
    """Each test opens new connections to the Redis of its settings, and leaves no breaker open."""
    rate_limit._script.cache_clear()
    rate_limit.BREAKER.reset()
    yield
    rate_limit._script.cache_clear()
    rate_limit.BREAKER.reset()


def limit(settings: Settings, requests_a_minute: int, *, burst: int) -> None:
    settings.LEADSWITCH_RATE_LIMITS = dict.fromkeys(("buyer", "source"), (requests_a_minute, burst))


def allowed(allowance: Allowance | None) -> bool:
    assert allowance is not None
    return allowance.is_allowed


def test_exactly_the_burst_of_simultaneous_requests_passes(settings: Settings) -> None:
    limit(settings, 1, burst=50)  # one per minute: none is added while the test runs
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda _: allowed(take("buyer", "abcdefgh")), range(200)))
    assert (passed.count(True), passed.count(False)) == (50, 150)


def test_burst_is_counted_down_before_requests_wait(settings: Settings) -> None:
    limit(settings, 1, burst=3)
    limits = [take("buyer", "abcdefgh") for _ in range(4)]

    assert [(each.is_allowed, each.limit, each.remaining) for each in limits if each] == [
        *((True, 3, 2), (True, 3, 1), (True, 3, 0)),
        (False, 3, 0),
    ]
    # Seconds pass during the test.
    resets, waits = (
        [each.reset_seconds for each in limits if each],
        [each.wait_seconds for each in limits if each],
    )
    for seconds, least, most in zip([*resets, *waits], *EXPECTED_SECONDS, strict=True):
        assert least <= seconds <= most


@pytest.mark.parametrize(
    ("minutes_to_full", "expected"),
    [
        (-9, (True, 9)),  # a rest longer than the bucket gives only a full bucket
        (0, (True, 9)),
        (4, (True, 5)),
        (9, (True, 0)),
        (10, (False, 0)),
    ],
)
def test_bucket_refills_evenly(
    settings: Settings, redis_client: "redis.Redis[str]", minutes_to_full: int, expected: tuple[bool, int]
) -> None:
    """Redis' clock counts, so the test moves the bucket instead; a second less, for its own run time."""
    limit(settings, 1, burst=10)
    seconds, microseconds = redis_client.time()
    full_at = seconds * 1_000_000 + microseconds + minutes_to_full * MINUTE
    redis_client.set(rate_limit_key("buyer", "abcdefgh"), full_at)

    allowance = take("buyer", "abcdefgh")

    assert allowance is not None
    assert (allowance.is_allowed, allowance.remaining) == expected


def test_keys_and_kinds_are_counted_separately(settings: Settings) -> None:
    limit(settings, 1, burst=1)
    asked = [("buyer", "abcdefgh"), ("buyer", "ijklmnop"), ("source", "abcdefgh"), ("buyer", "abcdefgh")]
    assert [allowed(take(*each)) for each in asked] == [True, True, True, False]


def test_idle_key_leaves_nothing_in_redis(settings: Settings, redis_client: "redis.Redis[str]") -> None:
    limit(settings, 1, burst=5)
    take("buyer", "abcdefgh")
    [name] = redis_client.scan_iter(match=f"*{settings.LEADSWITCH_REDIS_PREFIX}*rate*")
    assert name == f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:rate:buyer:abcdefgh"
    assert 0 < redis_client.pttl(name) <= 60_000


def test_flushed_script_is_loaded_again(redis_client: "redis.Redis[str]") -> None:
    """Redis forgets scripts when it restarts: the text is sent again."""
    assert allowed(take("buyer", "abcdefgh"))
    redis_client.script_flush()
    assert allowed(take("buyer", "abcdefgh"))


@pytest.fixture
def no_redis(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"


def unchecked(cause: str) -> float:
    return REGISTRY.get_sample_value("leadswitch_rate_limits_unchecked_total", {"cause": cause}) or 0.0


@pytest.mark.usefixtures("no_redis")
def test_without_redis_everything_passes_and_is_counted(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    limit(settings, 1, burst=1)
    before = unchecked("ConnectionError"), unchecked("redis_paused")
    with caplog.at_level(logging.WARNING, logger="routing.redis.rate_limit"):
        assert [take("buyer", "abcdefgh") for _ in range(3)] == [None, None, None]
    assert [record.message for record in caplog.records] == ["routing.rate_limit_unchecked"]
    # One request asked Redis. While the breaker is open, no other waits for it.
    assert (unchecked("ConnectionError"), unchecked("redis_paused")) == (before[0] + 1, before[1] + 2)


@pytest.mark.django_db
@pytest.mark.usefixtures("no_redis")
def test_request_without_redis_is_answered_without_the_headers() -> None:
    response = ask(SourceFactory.create())
    assert response.status_code == 404
    assert not [name for name in response.headers if name.startswith("RateLimit")]


@pytest.mark.django_db
def test_source_over_its_rate_limit_gets_retry_after(settings: Settings) -> None:
    limit(settings, 1, burst=1)
    key = issue_key(SourceFactory.create())
    first, second = ask_with(key), ask_with(key)

    assert first.status_code == 404  # every response has the headers
    assert second.status_code == 429
    for response in (first, second):
        limits = rates(response)
        assert 0 < int(limits.pop("Reset")) <= 60
        assert limits == {"Limit": "1", "Remaining": "0"}
    assert 0 < int(second["Retry-After"]) <= 60
    seconds = f"{second['Retry-After']} seconds"
    message = f"Too many requests. Try again in {seconds}."
    assert second.json() == {"error": {"code": "rate_limited", "message": message}}


@pytest.mark.django_db
def test_refused_key_is_not_counted(settings: Settings, redis_client: "redis.Redis[str]") -> None:
    prefix = issue_key(SourceFactory.create()).partition(".")[0]
    assert ask_with(f"{prefix}.{'x' * 32}").status_code == 401
    assert list(redis_client.scan_iter(match=f"*{settings.LEADSWITCH_REDIS_PREFIX}*rate*")) == []


def ask(source: Source) -> Any:
    return ask_with(issue_key(source))


def ask_with(key: str) -> Any:
    return Client().get(
        "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/", headers={"Authorization": f"Api-Key {key}"}
    )


def rates(response: Any) -> dict[str, str]:
    return {
        name.removeprefix("RateLimit-"): value
        for name, value in response.headers.items()
        if name.startswith("RateLimit-")
    }
