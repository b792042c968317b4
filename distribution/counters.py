"""The counters behind caps as they are stored, and as the engine reads them.

The stored counters belong to a calendar date of the buyer, so a new time zone cannot open a window twice. The engine
compares times: the start of that date, its week and its month in the buyer's current time zone.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from distribution.engine import Usage, give_back, one_turn
from distribution.models import Assignment, Enrollment
from routing.calendar.windows import WINDOW_KINDS, WindowKind, get_window
from routing.calendar.zones import load_zone, start_of_day

# A select list for the enrollment `e`, in the order that read_usage expects.
COUNTERS: Final = "e.counted_on, e.hour_starts_at, " + ", ".join(
    f"e.{kind}_leads, e.{kind}_spent_cents" for kind in WINDOW_KINDS
)
_HOUR: Final = timedelta(hours=1)


def read_usage(row: Sequence[Any], *, timezone: str) -> dict[str, Usage]:
    """Return the counters of a row of COUNTERS; empty for an enrollment without sales."""
    day_on, hour_on, hour_leads, hour_spent, *of_dates = row
    if day_on is None:
        return {}
    day_leads, day_spent, week_leads, week_spent, month_leads, month_spent = of_dates
    (_, day), (_, week), (_, month) = _starts(day_on, timezone)
    windows: dict[str, Usage] = {
        "day": (day, day_leads, day_spent),
        "week": (week, week_leads, week_spent),
        "month": (month, month_leads, month_spent),
    }
    if hour_on is None:
        return windows
    return {"hour": (_hour_start(hour_on, timezone), hour_leads, hour_spent), **windows}


def counters_of(enrollment: Enrollment) -> dict[str, Usage]:
    """Return the counters of an enrollment. Needs `buyer` loaded."""
    amounts = [
        getattr(enrollment, f"{kind}_{column}")
        for kind in WINDOW_KINDS
        for column in ("leads", "spent_cents")
    ]
    row = (enrollment.counted_on, enrollment.hour_starts_at, *amounts)
    return read_usage(row, timezone=enrollment.buyer.timezone)


def counted_in(sold_on: date, *, sold_at: datetime, timezone: str) -> dict[str, datetime]:
    """Return the starts of the windows that a sale is in, in the time zone of the counters."""
    return {"hour": get_window("hour", at=sold_at, tz=timezone)[0], **dict(_starts(sold_on, timezone))}


def counted_on(usage: Mapping[str, Usage], *, timezone: str) -> date:
    """Return the calendar date of the day's counter, in the time zone of the counters."""
    return _date(usage["day"][0], timezone)


def give_back_sale(assignment: Assignment, *, enrollment_id: int) -> None:
    """Read the counters again under their lock, and remove this sale from its windows and its turn.

    Needs the lock of distribution.locks.lock_for_return, and the assignment with its campaign.
    """
    enrollment = Enrollment.everything.select_related("buyer").get(pk=enrollment_id)
    turn = one_turn(assignment.campaign.push_mode, weight=enrollment.weight)
    changes: dict[str, object] = {"virtual_finish": max(0, enrollment.virtual_finish - turn)}
    changes |= _take_from_windows(assignment, enrollment, price_cents=assignment.price_cents, leads=1)
    Enrollment.everything.filter(pk=enrollment.pk).update(**changes)


def lower_price(assignment: Assignment, *, enrollment_id: int, rest_cents: int) -> None:
    """As above, but the sale still counts: only `rest_cents` of its price are removed from its windows."""
    enrollment = Enrollment.everything.select_related("buyer").get(pk=enrollment_id)
    changes = _take_from_windows(assignment, enrollment, price_cents=rest_cents, leads=0)
    Enrollment.everything.filter(pk=enrollment.pk).update(**changes)


def _take_from_windows(
    assignment: Assignment, enrollment: Enrollment, *, price_cents: int, leads: int
) -> dict[str, object]:
    assert assignment.counted_on is not None  # noqa: S101 - a constraint of the table
    windows = counted_in(
        assignment.counted_on, sold_at=assignment.created_at, timezone=enrollment.buyer.timezone
    )
    restored = give_back(counters_of(enrollment), counted_in=windows, price_cents=price_cents, leads=leads)
    changes: dict[str, object] = {}
    for window, (_, counted, spent_cents) in restored.items():
        changes[f"{window}_leads"], changes[f"{window}_spent_cents"] = counted, spent_cents
    return changes


def find_latest_sale(assignment: Assignment) -> int:
    """Return the id of the latest sale of this campaign and buyer. Needs the same lock."""
    pair = Assignment.objects.filter(campaign_id=assignment.campaign_id, buyer_id=assignment.buyer_id)
    return pair.order_by("-pk").values_list("pk", flat=True)[0]


def date_windows(day: date) -> dict[WindowKind, date]:
    """Return the first dates of the day, ISO week and month that this date is in."""
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}


# A pool of a thousand buyers has only a few dates and time zones.
@lru_cache(maxsize=4096)
def _starts(day: date, timezone: str) -> tuple[tuple[WindowKind, datetime], ...]:
    zone = load_zone(timezone)
    return tuple((kind, start_of_day(first, zone=zone)) for kind, first in date_windows(day).items())


@lru_cache(maxsize=4096)
def _hour_start(starts_at: datetime, timezone: str) -> datetime:
    """Return the hour that the counted one ends in. Hours may begin at another minute in another time zone."""
    zone = load_zone(timezone)
    if get_window("hour", at=starts_at, tz=zone)[0] == starts_at:
        return starts_at
    return get_window("hour", at=starts_at + _HOUR - timedelta(microseconds=1), tz=zone)[0]


@lru_cache(maxsize=4096)
def _date(starts_at: datetime, timezone: str) -> date:
    return starts_at.astimezone(load_zone(timezone)).date()
