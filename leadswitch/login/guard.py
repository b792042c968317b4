"""Stops passwords from being guessed. django-axes calls this before a password is checked and after the result.

A name is slowed down and then locked for an address. After ten times as many failures a name is locked for all
addresses, and an address for all names. Nothing depends on whether a name exists. Names and addresses are
stored only as keyed hashes.
"""

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from structlog import get_logger

from leadswitch.metrics import LOGINS
from routing.values.networks import find_network

log = get_logger(__name__)

# For one name from all addresses, and for all names from one address.
MANY: Final = 10
# The second failure costs two seconds, the third four, and so on: one typing error costs no wait.
FREE_FAILURES: Final = 1
TOO_MANY_REQUESTS: Final = 429

Credentials = Mapping[str, Any] | None


class LoginGuard(AxesDatabaseHandler):  # type: ignore[misc]  # the library is untyped
    """Set by AXES_HANDLER. Its state is in PostgreSQL: a flush of Redis unlocks no one."""

    def is_locked(self, request: HttpRequest, credentials: Credentials = None) -> bool:
        seconds = seconds_to_wait(name_of(request, credentials), address_of(request))
        if seconds:
            request.login_wait_seconds = seconds  # type: ignore[attr-defined]
            request.axes_locked_out = True  # type: ignore[attr-defined]
        return seconds > 0

    def get_failures(self, request: HttpRequest, credentials: Credentials = None) -> int:
        return count_failures(recent().filter(**pair(name_of(request, credentials), address_of(request))))

    def user_login_failed(
        self, _sender: Any, credentials: Credentials, request: HttpRequest | None = None, **_: Any
    ) -> None:
        if request is None:
            return
        if getattr(request, "axes_locked_out", False):
            # The password was not checked; a refused try does not extend the wait.
            LOGINS.labels(result="refused").inc()
            return
        name, address = name_of(request, credentials), address_of(request)
        failures = record_failure(name, address)
        LOGINS.labels(result="failed").inc()
        log.warning("login.failed", attempts=failures)
        if failures >= settings.LEADSWITCH_LOGIN_FAILURES:
            LOGINS.labels(result="locked").inc()
            log.warning("login.locked", attempts=failures)
            request.login_wait_seconds = seconds_to_wait(name, address)  # type: ignore[attr-defined]
            request.axes_locked_out = True  # type: ignore[attr-defined]

    def user_logged_in(self, _sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
        LOGINS.labels(result="succeeded").inc()
        AccessAttempt.objects.filter(**pair(hash_name(user.get_username()), address_of(request))).delete()

    def user_logged_out(self, *_: Any, **__: Any) -> None:
        """Logouts are not stored."""


def lockout_page(
    request: HttpRequest, _original: HttpResponse | None = None, _credentials: Credentials = None
) -> HttpResponse:
    """Set by AXES_LOCKOUT_CALLABLE. The page is the same whether or not the name exists."""
    seconds = max(1, getattr(request, "login_wait_seconds", 1))
    context = {"seconds": seconds, "minutes": -(-seconds // 60)}
    response = render(request, "login_locked.html", context, status=TOO_MANY_REQUESTS)
    response["Retry-After"] = str(seconds)
    return response


def seconds_to_wait(name: str, address: str) -> int:
    """Return 0 if a password may be tried now."""
    limit, attempts = settings.LEADSWITCH_LOGIN_FAILURES, recent()
    waits = (
        _wait(attempts.filter(**pair(name, address)), limit=limit, slows=True),
        _wait(attempts.filter(username=name), limit=MANY * limit),
        _wait(attempts.filter(ip_address=address), limit=MANY * limit),
    )
    return max(waits)


def _wait(attempts: QuerySet[Any], *, limit: int, slows: bool = False) -> int:
    failures = count_failures(attempts)
    latest = attempts.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    if latest is None:
        return 0
    until: datetime = latest
    if failures >= limit:
        until = latest + lock_time()
    elif slows and failures > FREE_FAILURES:
        until = latest + timedelta(seconds=min(2 ** (failures - FREE_FAILURES), 60))
    left = (until - timezone.now()).total_seconds()
    return max(0, -int(-left // 1))


def record_failure(name: str, address: str) -> int:
    """Count the failures of this name from this address, including the new one. Removes expired rows."""
    now = timezone.now()
    AccessAttempt.objects.filter(attempt_time__lt=now - lock_time()).delete()
    with transaction.atomic():
        row, is_new = AccessAttempt.objects.select_for_update().get_or_create(
            **pair(name, address), user_agent="", defaults={"failures_since_start": 1, "attempt_time": now}
        )
        if not is_new:
            AccessAttempt.objects.filter(pk=row.pk).update(
                failures_since_start=F("failures_since_start") + 1, attempt_time=now
            )
            row.refresh_from_db()
    return int(row.failures_since_start)


def forget_failures(username: str | None) -> int:
    """Unlock one name, or all. Returns the number of rows removed."""
    rows = AccessAttempt.objects.all()
    if username is not None:
        rows = rows.filter(username=hash_name(username))
    return int(rows.delete()[0])


def recent() -> QuerySet[Any]:
    attempts: QuerySet[Any] = AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - lock_time())
    return attempts


def count_failures(attempts: QuerySet[Any]) -> int:
    return int(attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0)


def lock_time() -> timedelta:
    return timedelta(minutes=settings.LEADSWITCH_LOGIN_LOCK_MINUTES)


def pair(name: str, address: str) -> dict[str, str]:
    return {"username": name, "ip_address": address}


def name_of(request: HttpRequest, credentials: Credentials) -> str:
    typed = (credentials or {}).get("username") or request.POST.get("username", "")
    return hash_name(str(typed))


def hash_name(username: str) -> str:
    return _hash("login name", username.strip().casefold())


def address_of(request: HttpRequest) -> str:
    """Return a keyed hash of the client's address, or of its IPv6 /64, in the form of axes' column."""
    network = find_network(request.META.get("REMOTE_ADDR", ""))
    # A unique local address (RFC 4193) that belongs to no machine.
    return str(ipaddress.IPv6Address(bytes.fromhex("fd" + _hash("login address", network)[:30])))


def _hash(purpose: str, text: str) -> str:
    return salted_hmac(f"leadswitch {purpose}", text, algorithm="sha256").hexdigest()
