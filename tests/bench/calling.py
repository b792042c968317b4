"""Leads that wait for a call, made and timed in the worker. A dialer of its own process calls them at a carrier."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock
from functools import partial
from itertools import count
from secrets import token_hex
from statistics import median
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
from django.db import connection
from django.utils import timezone
from uuid6 import uuid7

from distribution.calls.begin import Begun, begin_call
from distribution.deliveries.listening import connection_parameters
from distribution.models import (
    Call,
    CallingHours,
    CallNotice,
    CallPolicy,
    Campaign,
    CarrierAccount,
    Channel,
    Dialer,
    Verification,
)
from routing.models import Lead, Source, Workspace

ATLANTA: Final = {"zip": "30312", "state": "GA", "country": "US"}
HONOLULU: Final = {"zip": "96813", "state": "HI", "country": "US"}
CHANNELS: Final = 5
ROWS_AT_ONCE: Final = 1_000
POLL_SECONDS: Final = 0.01
LONGEST_SECONDS: Final = 120.0
MOST_LINES: Final = 200
# Ids of leads and verifications differ from all others, so that they are recognized in the parameters.
SEPARATE: Final = """
SELECT setval(pg_get_serial_sequence('routing_lead', 'id'), GREATEST(2000000, (SELECT max(id) FROM routing_lead))),
    setval(pg_get_serial_sequence('distribution_verification', 'id'), 5000000)
"""


class NotCalled(RuntimeError):
    """A call did not begin, so the times of the others mean nothing."""


class Office:
    """A workspace with channels at the carrier."""

    def __init__(self, account: Mapping[str, str], *, lines: int, ring_seconds: int) -> None:
        self.workspace = Workspace.objects.create(slug="bench-calls", name="Calls")
        self.source = Source.objects.create(workspace=self.workspace, name="form")
        self.campaign = Campaign.objects.create(
            workspace=self.workspace, name="Verified", price_cents=2_500, verification="required"
        )
        CallPolicy.objects.create(campaign=self.campaign, ring_seconds=max(10, ring_seconds))
        self.account = CarrierAccount.objects.create(
            workspace=self.workspace, name="carrier", calls_per_second=200, **account
        )
        for number in range(CHANNELS):
            Channel.objects.create(
                workspace=self.workspace,
                account=self.account,
                name=f"channel {number}",
                number=f"+1404555{number:04d}",
                lines=lines // CHANNELS,
                calls_per_minute=12_000,
            )
        self._address, self._area = open_hours()
        with connection.cursor() as cursor:
            cursor.execute(SEPARATE)
        self._numbers = count()

    def queue(self, size: int) -> list[int]:
        """Leads who are due at once, each another person. Returns their verifications."""
        ids: list[int] = []
        for first in range(0, size, ROWS_AT_ONCE):
            ids += self._queue(min(ROWS_AT_ONCE, size - first))
        return ids

    def _queue(self, size: int) -> list[int]:
        now = timezone.now()
        leads = Lead.objects.bulk_create(
            Lead(
                workspace=self.workspace,
                source_workspace=self.workspace,
                source=self.source,
                phone=f"+1{self._area}{2_000_000 + next(self._numbers)}",
                phone_hash=token_hex(32),
                vertical="roofing",
                status="gated",
                next_attempt_at=None,
                expires_at=now + timedelta(days=90),
                **self._address,
            )
            for _ in range(size)
        )
        rows = Verification.objects.bulk_create(
            Verification(
                public_id=(public_id := uuid7()),
                attempt_id=public_id,
                lead=lead,
                workspace=self.workspace,
                campaign=self.campaign,
                state="waiting",
                due_at=now,
                opened_at=now,
            )
            for lead in leads
        )
        return [row.pk for row in rows]

    def occupy(self) -> None:
        """One channel is left, and its only line is in use."""
        first = Channel.objects.order_by("pk")[0]
        Channel.objects.exclude(pk=first.pk).update(is_enabled=False)
        Channel.objects.filter(pk=first.pk).update(lines=1)
        Call.objects.create(
            kind="test",
            test_phone="+14045550100",
            workspace=self.workspace,
            account=self.account,
            channel=first,
            from_number=first.number,
            state="in_progress",
            dialed_at=timezone.now(),
            next_check_at=timezone.now() + timedelta(days=1),
        )


def open_hours() -> tuple[Mapping[str, str], str]:
    """Calls are allowed nearly all day. Returns an address where it is day or evening now, and its area code."""
    rows = CallingHours.objects.filter(country="US", state__in=("", "GA", "HI"))
    rows.update(opens=clock(0), closes=clock(23, 59), calls_on_sunday=True, calls_on_holidays=True)
    local = timezone.now().astimezone(ZoneInfo("America/New_York"))
    is_late = (local + timedelta(hours=1)).date() != local.date()
    return (HONOLULU, "808") if is_late else (ATLANTA, "404")


def wait_until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise NotCalled(f"waited {LONGEST_SECONDS:g} s for {what}")
        time.sleep(POLL_SECONDS)


def clear(*, lines: int) -> None:
    """Nobody waits, no call is out, and all lines are free."""
    now = timezone.now()
    Lead.objects.filter(status__in=("gated", "calling")).update(
        status="cancelled", finished_at=now, locked_by="", locked_at=None
    )
    Call.objects.filter(ended_at__isnull=True).update(
        state="ended", outcome="canceled", ended_at=now, next_check_at=None, test_phone=""
    )
    Channel.objects.update(lines=lines // CHANNELS, is_enabled=True)


def wait_for_dialer() -> None:
    wait_until(Dialer.objects.exists, what="a dialer")


def is_inbox_empty() -> bool:
    """Each report was stored before the carrier got its answer."""
    return not CallNotice.objects.filter(applied_at__isnull=True, result="").exists()


def count_open() -> int:
    return Call.objects.filter(ended_at__isnull=True).count()


def read_ends(since: datetime) -> Sequence[tuple[str, float]]:
    """By number: when its lines became free, as UNIX time."""
    rows = Call.objects.filter(ended_at__gte=since).order_by("ended_at")
    ends = rows.values_list("channel__number", "ended_at")
    return [(number, ended_at.timestamp()) for number, ended_at in ends if ended_at is not None]


def time_begins(office: Office, *, size: int) -> Mapping[str, Any]:
    """Begin calls that are not placed, in turns with their statements by hand in psycopg. Times in ms."""
    Channel.objects.update(lines=MOST_LINES)
    times: dict[str, list[float]] = {"begin_call": [], "by hand": []}
    template = Template.record(office.queue(1)[0])
    with psycopg.connect(**connection_parameters(), autocommit=True) as raw:
        for _ in range(size):
            mine, by_hand = office.queue(2)
            times["begin_call"].append(_time(partial(_begin, mine)))
            times["by hand"].append(_time(partial(template.repeat, raw, Ids.make(by_hand))))
    return {
        "calls": size,
        "statements": len(template.statements),
        "median_ms": {name: median(each) for name, each in times.items()},
    }


@dataclass(frozen=True, slots=True)
class Ids:
    """What differs between two calls."""

    verification: int
    lead: int
    phone_hash: str
    call: UUID

    @classmethod
    def make(cls, verification_id: int, call: UUID | None = None) -> "Ids":
        row = Verification.objects.select_related("lead").get(pk=verification_id)
        return cls(row.pk, row.lead_id, row.lead.phone_hash or "", call or uuid4())


@dataclass(frozen=True, slots=True)
class Template:
    """The statements of a call that has begun."""

    ids: Ids
    statements: Sequence[tuple[str, Any]]

    @classmethod
    def record(cls, verification_id: int) -> "Template":
        found: list[tuple[str, Any]] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
            found.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            begun = _begin(verification_id)
        return cls(Ids.make(verification_id, begun.public_id), found)

    def repeat(self, raw: "psycopg.Connection[Any]", ids: Ids) -> None:
        """In one transaction, and without what Python does around them."""
        with raw.transaction(), raw.cursor() as cursor:
            for sql, params in self.statements:
                cursor.execute(sql.encode(), _replace(params, self.ids, ids))
                if cursor.description:
                    cursor.fetchall()


def _replace(params: Any, old: Ids, new: Ids) -> Any:
    if isinstance(params, dict):
        return {name: _replace(value, old, new) for name, value in params.items()}
    if isinstance(params, list | tuple):
        return [_replace(value, old, new) for value in params]
    if isinstance(params, bool) or not isinstance(params, int | str | UUID):
        return params
    if isinstance(params, str):
        return params.replace(str(old.call), str(new.call)).replace(old.phone_hash, new.phone_hash)
    return {old.verification: new.verification, old.lead: new.lead, old.call: new.call}.get(params, params)


def _time(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _begin(verification_id: int) -> Begun:
    begun = begin_call(verification_id)
    if not isinstance(begun, Begun):
        raise NotCalled(begun.reason)
    return begun
