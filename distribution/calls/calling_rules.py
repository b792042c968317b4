"""Reads the calling hours of a lead's places, and turns rows into rules."""

from collections.abc import Iterable
from typing import Final

from django.db import connection

from distribution.calls.hours.places import Place
from distribution.calls.hours.rules import Rule, Rules, index_rules
from distribution.models import CallingHours
from distribution.models.waking_calls import HOURS_LOCK

SHARE_HOURS: Final = "SELECT pg_advisory_xact_lock_shared(%s)"


def lock_hours() -> None:
    """Let no one change calling hours, or open a channel, until this transaction ends.

    Take it before you read hours in a transaction that parks a verification because of them: the change then wakes it.
    """
    with connection.cursor() as cursor:
        cursor.execute(SHARE_HOURS, [HOURS_LOCK])


def read_calling_rules(places: Iterable[Place]) -> Rules:
    """The rows of these places and of their countries, in one statement."""
    given = list(places)
    rows = CallingHours.objects.filter(
        country__in={place.country for place in given}, state__in={"", *(place.state for place in given)}
    )
    return index_rules(map(make_rule, rows))


def make_rule(row: CallingHours) -> Rule:
    return Rule(
        country=row.country,
        state=row.state,
        opens=row.opens,
        closes=row.closes,
        calls_on_sunday=row.calls_on_sunday,
        calls_on_holidays=row.calls_on_holidays,
        most_calls_per_day=row.most_calls_per_day,
    )
