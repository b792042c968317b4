"""Health for orchestrators. Answers name no host, tenant or person."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog import get_logger

log = get_logger(__name__)

PROBE_TIMEOUT_SECONDS = 1.0


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process serves requests; says nothing about what it depends on."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """503 while PostgreSQL or Redis does not answer."""
    checks = {"database": probe("database", ask_database), "redis": probe("redis", ask_redis)}
    return JsonResponse(checks, status=200 if set(checks.values()) == {"ok"} else 503)


def probe(name: str, ask: Callable[[], None]) -> str:
    try:
        ask()
    except (DatabaseError, redis.RedisError) as error:
        log.warning("not_ready", service=name, error=type(error).__name__)
        return "unavailable"
    return "ok"


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def ask_redis() -> None:
    timeout = PROBE_TIMEOUT_SECONDS
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        client.ping()
