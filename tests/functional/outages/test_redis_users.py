"""For each user of Redis, every kind of refusal is an outage like any other."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import RedisError

from leadswitch import probes
from routing.dispatch import workers
from routing.dispatch.enqueue import enqueue_now
from routing.dispatch.leadership import acquire_leadership
from routing.models import DispatchMode
from routing.queries import DueTime
from routing.redis import outage, rate_limit
from routing.redis.client import prove_writable
from routing.redis.outage import guarded
from tests.support.redis_faults import FAULTS
from tests.support.times import due

if TYPE_CHECKING:
    import redis

USERS: dict[str, Callable[[], Any]] = {
    "the probe": lambda: prove_writable(1.0),
    "a worker's heartbeat": lambda: workers.write_worker_heartbeat("celery@one"),
    "the leadership": lambda: acquire_leadership("other", lease_ms=1_000, least_epoch=0),
}


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, own_redis: "redis.Redis[str]") -> Any:
    return FAULTS[request.param](own_redis)


def test_each_refusal_is_an_outage_of_redis(fault: Any, own_redis: "redis.Redis[str]") -> None:
    assert own_redis.ping()
    with fault:
        for use in USERS.values():
            with pytest.raises(RedisError):
                use()
        assert probes.probe_redis() != probes.OK
        assert guarded("heartbeat", USERS["a worker's heartbeat"], "nothing") == "nothing"
        assert outage.BREAKER.is_open
        assert rate_limit.take("source", "abc") is None  # allowed without a check
        outage.BREAKER.reset()
        enqueue_now([DueTime(1, 1, DispatchMode.EVENT, due(1).due_at)])  # raises nothing
    outage.BREAKER.reset()
    rate_limit.BREAKER.reset()
    for use in USERS.values():
        use()
    assert probes.probe_redis() == probes.OK
    assert rate_limit.take("source", "abc") is not None
