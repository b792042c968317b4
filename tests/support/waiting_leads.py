"""Leads that wait for a call: who they are, where they live, and over which channel they are called."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from distribution.models import CallEvent, CallingHours, Channel, Verification
from tests.support.factories import VerificationFactory, person

# A Monday, 10 am in Atlanta.
AT: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
ATLANTA: Final = {"zip": "30312", "state": "GA", "country": "US"}
HONOLULU: Final = {"zip": "96813", "state": "HI", "country": "US"}


def let_wait(channel: Channel, *, phone: str = "+14045550101", **changes: Any) -> Verification:
    """A lead of the channel's workspace in Atlanta that may be called from AT on."""
    values = {"due_at": AT, "lead__source__workspace": channel.workspace}
    values |= {f"lead__{name}": value for name, value in {**ATLANTA, **person(phone=phone)}.items()}
    made = VerificationFactory(**{**values, **changes})
    return Verification.objects.get(pk=made.pk)


def allow_calls_now() -> tuple[dict[str, str], str]:
    """Open the law for nearly all of the day. Returns an address where it is open now, and its area code."""
    CallingHours.objects.filter(country="US", state__in=("", "GA", "HI")).update(
        opens=time(0), closes=time(23, 59), calls_on_sunday=True, calls_on_holidays=True
    )
    local = timezone.now().astimezone(ZoneInfo("America/New_York"))
    is_late = (local + timedelta(minutes=30)).date() != local.date()
    return (HONOLULU, "808") if is_late else (ATLANTA, "404")


def events_of(verification: Verification) -> list[tuple[str, dict[str, Any]]]:
    """The story of a verification."""
    events = CallEvent.objects.filter(verification=verification).order_by("pk")
    return [(event.code, event.data) for event in events]
