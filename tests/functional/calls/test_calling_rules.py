"""The table of calling hours: what the product ships, what is read for a lead, and what the database refuses."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from distribution.calls.calling_rules import make_rule, read_calling_rules
from distribution.calls.hours.check import check_hours
from distribution.calls.hours.places import Place, find_places
from distribution.models import CallingHours
from tests.support.us_rules import list_us_rules

pytestmark = pytest.mark.django_db

ATLANTA = Place("US", "GA", "America/New_York")
MIAMI = Place("US", "FL", "America/New_York")


def test_table_has_the_shipped_rules() -> None:
    stored = {(row.country, row.state): row for row in CallingHours.objects.all()}
    shipped = {(each.rule.country, each.rule.state): each for each in list_us_rules()}
    assert stored.keys() == shipped.keys()
    for key, row in stored.items():
        assert make_rule(row) == shipped[key].rule
        assert (row.source, row.checked_on) == (shipped[key].source, shipped[key].checked_on)


def test_only_rows_of_the_places_are_read_in_one_statement() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        rules = read_calling_rules([ATLANTA, MIAMI, Place("CA", "ON", "America/Toronto")])
    assert rules.keys() == {("US", ""), ("US", "GA"), ("US", "FL")}
    assert len(queries) == 1


def test_edited_row_decides() -> None:
    places = find_places("33101", country="US", phone="+13055550123")
    assert isinstance(places, tuple)
    at = datetime(2026, 10, 6, 23, tzinfo=UTC)  # 7 pm in Miami
    assert is_open(places, at=at)
    CallingHours.objects.filter(state="FL").update(closes=time(19))
    assert not is_open(places, at=at)


def test_edited_state_cannot_widen_the_country() -> None:
    CallingHours.objects.filter(state="FL").update(opens=time(6), closes=time(23))
    assert not is_open([MIAMI], at=datetime(2026, 10, 6, 11, 59, tzinfo=UTC))
    assert is_open([MIAMI], at=datetime(2026, 10, 6, 12, tzinfo=UTC))
    assert is_open([MIAMI], at=datetime(2026, 10, 7, 0, 59, tzinfo=UTC))
    assert not is_open([MIAMI], at=datetime(2026, 10, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize("state", ["", "FL"])
def test_deleted_row_closes(state: str) -> None:
    CallingHours.objects.filter(state=state).delete()
    verdict = check_hours(
        [MIAMI],
        rules=read_calling_rules([MIAMI]),
        at=datetime(2026, 10, 6, 18, tzinfo=UTC),
        margin=timedelta(0),
        channel_hours=None,
    )
    assert [reason.code for reason in verdict.reasons] == ["no_calling_hours"]


def is_open(places: Any, *, at: datetime) -> bool:
    rules = read_calling_rules(places)
    return check_hours(places, rules=rules, at=at, margin=timedelta(0), channel_hours=None).is_open


def row(**changes: Any) -> CallingHours:
    fields = {"country": "CA", "state": "ON", "opens": time(9), "closes": time(21)}
    return CallingHours(**{**fields, "source": "a page", "checked_on": date(2026, 11, 30), **changes})


def test_canadian_province_can_be_added() -> None:
    row().full_clean()
    row(state="").full_clean()
    row().save()
    assert str(row()) == "CA-ON"
    assert str(row(state="")) == "CA"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"country": "us"}, "country"),
        ({"country": ""}, "country"),
        ({"state": "on"}, "state"),
        ({"state": "GA"}, "state"),
        ({"country": "US", "state": "ON"}, "state"),
        ({"opens": time(21)}, "__all__"),
        ({"country": "US", "state": "GA"}, "__all__"),
        ({"country": "US", "state": ""}, "__all__"),
        ({"most_calls_per_day": 0}, "most_calls_per_day"),
        ({"most_calls_per_day": 21}, "most_calls_per_day"),
        ({"source": ""}, "source"),
    ],
)
def test_form_refuses(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        row(**changes).full_clean()
    assert field in refused.value.message_dict


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"country": "US", "state": "GA"}, "callinghours_one_of_place"),
        ({"opens": time(21)}, "callinghours_open_before_close"),
        ({"country": "us"}, "callinghours_codes"),
        ({"state": "O"}, "callinghours_codes"),
        ({"most_calls_per_day": 0}, "callinghours_most_calls_in_range"),
    ],
)
def test_database_refuses(changes: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        row(**changes).save()
