"""Calling hours against a scan of every minute that is written in another way."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from distribution.calls.hours.check import check_hours
from distribution.calls.hours.opening import SPREAD, spread_opening
from distribution.calls.hours.places import Place
from distribution.calls.hours.rules import Rule, Rules, index_rules
from routing.calendar.hours import compile_hours

MINUTE = timedelta(minutes=1)
SCANNED_MINUTES = 3 * 24 * 60
HOLIDAYS_OF_2026 = {
    *(
        "01-01",
        "01-19",
        "02-16",
        "05-25",
        "06-19",
        "07-03",
        "07-04",
        "09-07",
        "10-12",
        "11-11",
        "11-26",
        "12-25",
    ),
}
STATES = ("GA", "NY")
ZONES = (
    *("America/New_York", "America/Chicago", "America/Phoenix", "America/Anchorage", "Pacific/Honolulu"),
    *("Pacific/Guam", "America/St_Johns", "Australia/Lord_Howe", "America/Havana"),
)
# Moments close to a change of the clocks, a Sunday or a holiday.
TURNS = (
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 3, 8, 5, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 7, 4, 4, tzinfo=UTC),
    datetime(2026, 11, 26, 5, tzinfo=UTC),
)
CHANNEL = {
    "mon": [["09:00", "17:30"]],
    "sat": [["12:00", "24:00"]],
    "sun": [["00:00", "20:00"]],
    "wed": [["06:15", "23:45"]],
}

clocks = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15)) | st.just(time(23, 59))
places = st.lists(
    st.builds(Place, st.just("US"), st.sampled_from(STATES), st.sampled_from(ZONES)), min_size=1, max_size=3
)
moments = st.builds(
    lambda turn, minutes, seconds: turn + minutes * MINUTE + timedelta(seconds=seconds),
    st.sampled_from(TURNS),
    st.integers(-1440, 1440),
    st.sampled_from((0, 0, 1, 59.5)),
)
margins = st.sampled_from((timedelta(0), timedelta(seconds=1), MINUTE, timedelta(seconds=150)))


class Setting(NamedTuple):
    rules: Rules
    has_channel: bool


def make_rule(state: str, first: time, second: time, *, on_sunday: bool, on_holidays: bool) -> Rule:
    opens, closes = sorted((first, second))
    return Rule(
        country="US",
        state=state,
        opens=opens,
        closes=closes,
        calls_on_sunday=on_sunday,
        calls_on_holidays=on_holidays,
    )


def rules_of(state: str) -> st.SearchStrategy[Rule]:
    return st.builds(
        make_rule, st.just(state), clocks, clocks, on_sunday=st.booleans(), on_holidays=st.booleans()
    )


rule_sets = st.tuples(rules_of(""), *map(rules_of, STATES)).map(index_rules)
settings_of_hours = st.builds(Setting, rule_sets, st.booleans())


def is_open_at(moment: datetime, *, setting: Setting, where: list[Place]) -> bool:
    """By the text on the clock of each place."""
    if setting.has_channel:
        tokyo = moment.astimezone(ZoneInfo("Asia/Tokyo"))
        hours = CHANNEL.get(f"{tokyo:%a}".lower(), [])
        if not any(start <= f"{tokyo:%H:%M}" < end for start, end in hours):
            return False
    for place in where:
        wall = moment.astimezone(ZoneInfo(place.zone))
        for state in ("", place.state):
            rule = setting.rules["US", state]
            if not f"{rule.opens:%H:%M}" <= f"{wall:%H:%M}" < f"{rule.closes:%H:%M}":
                return False
            if f"{wall:%A}" == "Sunday" and not rule.calls_on_sunday:
                return False
            if f"{wall:%m-%d}" in HOLIDAYS_OF_2026 and not rule.calls_on_holidays:
                return False
    return True


def may_call(moment: datetime, *, margin: timedelta, setting: Setting, where: list[Place]) -> bool:
    checked = moment
    while checked < moment + margin:
        if not is_open_at(checked, setting=setting, where=where):
            return False
        checked = checked.replace(second=0, microsecond=0) + MINUTE
    return is_open_at(moment + margin, setting=setting, where=where)


def find_first_slowly(
    at: datetime, *, margin: timedelta, setting: Setting, where: list[Place]
) -> datetime | None:
    full_minute = at.replace(second=0, microsecond=0)
    for moment in (at, *(full_minute + minute * MINUTE for minute in range(1, SCANNED_MINUTES))):
        if may_call(moment, margin=margin, setting=setting, where=where):
            return moment
    return None


@settings(max_examples=120, deadline=None)
@given(setting=settings_of_hours, where=places, at=moments, margin=margins)
def test_verdict_agrees_with_a_scan_of_every_minute(
    setting: Setting, where: list[Place], at: datetime, margin: timedelta
) -> None:
    channel_hours = compile_hours(CHANNEL, "Asia/Tokyo") if setting.has_channel else None
    verdict = check_hours(where, rules=setting.rules, at=at, margin=margin, channel_hours=channel_hours)
    first = find_first_slowly(at, margin=margin, setting=setting, where=where)
    assert (
        verdict.is_open == may_call(at, margin=margin, setting=setting, where=where) == (not verdict.reasons)
    )
    if first is None:
        assert verdict.opens_at is None or verdict.opens_at >= at.replace(second=0) + SCANNED_MINUTES * MINUTE
        return
    assert verdict.opens_at == first
    assert verdict.closes_at is not None
    almost = verdict.closes_at - timedelta(microseconds=1)
    assert may_call(almost, margin=margin, setting=setting, where=where)
    assert not may_call(verdict.closes_at, margin=margin, setting=setting, where=where)


def widen(rule: Rule, *, earlier: time, later: time) -> Rule:
    return replace(
        rule,
        opens=min(rule.opens, earlier),
        closes=max(rule.closes, later),
        calls_on_sunday=True,
        calls_on_holidays=True,
    )


@settings(max_examples=200, deadline=None)
@given(
    rules=rule_sets,
    where=places,
    at=moments,
    widened=st.sampled_from(("", *STATES)),
    earlier=clocks,
    later=clocks,
)
def test_widening_a_rule_never_closes(
    rules: Rules, where: list[Place], at: datetime, widened: str, earlier: time, later: time
) -> None:
    wide = {**rules, ("US", widened): widen(rules["US", widened], earlier=earlier, later=later)}
    before, after = (
        check_hours(where, rules=each, at=at, margin=MINUTE, channel_hours=None) for each in (rules, wide)
    )
    assert after.is_open or not before.is_open
    if before.opens_at is not None:
        assert after.opens_at is not None
        assert at <= after.opens_at <= before.opens_at


@given(seed=st.integers(0, 10**12), opens_at=moments, seconds=st.integers(0, 50_000))
def test_spread_is_never_early_and_leaves_time_for_the_call(
    seed: int, opens_at: datetime, seconds: int
) -> None:
    closes_at = opens_at + timedelta(seconds=seconds)
    moment = spread_opening(opens_at, seed=seed, closes_at=closes_at)
    assert opens_at <= moment <= opens_at + min(SPREAD, timedelta(seconds=seconds) / 2)
    assert moment == spread_opening(opens_at, seed=seed, closes_at=closes_at)


def test_leads_in_a_row_are_spread_evenly() -> None:
    opens_at = datetime(2026, 10, 6, 12, tzinfo=UTC)
    moments_of_leads = [
        spread_opening(opens_at, seed=seed, closes_at=opens_at + timedelta(hours=12)) for seed in range(6000)
    ]
    in_each_minute = [
        sum((moment - opens_at) // MINUTE == minute for moment in moments_of_leads) for minute in range(10)
    ]
    assert sum(in_each_minute) == 6000
    assert all(500 < number < 700 for number in in_each_minute)


def test_spread_is_the_same_in_every_process() -> None:
    opens_at = datetime(2026, 10, 6, 12, tzinfo=UTC)
    moment = spread_opening(
        opens_at, seed=7, closes_at=opens_at + timedelta(hours=12), over=timedelta(minutes=20)
    )
    assert moment == datetime(2026, 10, 6, 12, 18, 4, 279_000, tzinfo=UTC)
