"""May a lead be called: single cases by the clock of the place."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from distribution.calls.hours.check import HoursReason, HoursVerdict
from distribution.calls.hours.places import Place
from distribution.calls.hours.rules import Rule, index_rules
from routing.calendar.hours import compile_hours
from tests.unit.calls.us import NOW, US_RULES, check, list_texts, local, place

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def always(country: str = "US", state: str = "") -> Rule:
    return Rule(country=country, state=state, opens=time(0), closes=time(23, 59))


def test_open_place_says_until_when() -> None:
    at = local("2026-10-06 15:00:30.5")
    assert check(place("GA"), at=at) == HoursVerdict(
        is_open=True, opens_at=at, closes_at=local("2026-10-06 21:00"), reasons=()
    )


def test_closed_place_says_why_and_when_it_opens() -> None:
    assert check(place("FL"), at=local("2026-10-06 20:12")) == HoursVerdict(
        is_open=False,
        opens_at=local("2026-10-07 08:00"),
        closes_at=local("2026-10-07 20:00"),
        reasons=(HoursReason("outside_calling_hours", "Florida: 8 am to 8 pm; it is 8:12 pm there."),),
    )


def test_answer_is_in_utc_for_a_time_of_any_zone() -> None:
    at = local("2026-10-06 20:12")
    assert check(place("FL"), at=at.astimezone()) == check(place("FL"), at=at)
    opens_at = check(place("FL"), at=at.astimezone()).opens_at
    assert opens_at is not None
    assert opens_at.tzinfo is UTC


def test_call_that_would_still_ring_at_the_closing_second_is_not_placed() -> None:
    margin = timedelta(minutes=2)
    last = local("2026-10-06 19:58") - SECOND
    assert check(place("FL"), at=last, margin=margin).is_open
    late = check(place("FL"), at=last + SECOND, margin=margin)
    assert not late.is_open
    assert late.opens_at == local("2026-10-07 08:00")
    assert late.closes_at == local("2026-10-07 19:58")
    assert list_texts(late) == ["Florida: 8 am to 8 pm; it is 7:58 pm there, which leaves no time to ring."]


def test_margin_does_not_open_earlier() -> None:
    assert not check(place("FL"), at=local("2026-10-06 07:59"), margin=timedelta(minutes=2)).is_open


def test_every_place_must_be_open() -> None:
    both = (place("GA"), place("WA"))
    verdict = check(*both, at=local("2026-10-06 09:30"))
    assert not verdict.is_open
    assert verdict.opens_at == local("2026-10-06 08:00", state="WA")
    assert verdict.closes_at == local("2026-10-06 21:00")
    assert list_texts(verdict) == ["Washington: 8 am to 8 pm; it is 6:30 am there."]


def test_every_closed_place_is_named() -> None:
    texts = list_texts(check(place("GA"), place("KY"), at=local("2026-10-06 07:15")))
    assert texts == [
        "Georgia: 8 am to 9 pm; it is 7:15 am there.",
        "Kentucky: 10 am to 9 pm; it is 7:15 am there.",
    ]


def test_one_state_in_two_zones_is_open_when_both_are() -> None:
    both = (place("TN", zone="America/New_York"), place("TN", zone="America/Chicago"))
    assert check(*both, at=local("2026-10-06 08:30")).opens_at == local("2026-10-06 09:00")
    assert check(*both, at=local("2026-10-06 20:59")).is_open
    assert not check(*both, at=local("2026-10-06 21:00")).is_open


def test_guam_and_new_york_have_few_hours_in_common() -> None:
    both = (place("GU"), place("NY"))
    verdict = check(*both, at=local("2026-01-06 12:00"))
    assert verdict.opens_at == local("2026-01-07 08:00", state="GU")
    assert verdict.opens_at == local("2026-01-06 17:00")
    assert verdict.closes_at == local("2026-01-06 21:00")


def test_places_that_are_never_open_together_have_no_opening() -> None:
    rules = {
        **US_RULES,
        ("US", "NY"): replace(US_RULES["US", "NY"], closes=time(9)),
        ("US", "CA"): always(state="CA"),
    }
    verdict = check(place("NY"), place("CA"), at=local("2026-10-06 08:30"), rules=rules)
    assert (verdict.is_open, verdict.opens_at, verdict.closes_at) == (False, None, None)


def test_row_that_closes_before_it_opens_is_never_open() -> None:
    rules = {**US_RULES, ("US", "GA"): replace(US_RULES["US", "GA"], opens=time(22), closes=time(23))}
    verdict = check(place("GA"), at=local("2026-10-06 22:30"), rules=rules)
    assert (verdict.is_open, verdict.opens_at) == (False, None)
    assert list_texts(verdict) == ["Georgia: 10 pm to 9 pm; it is 10:30 pm there."]


def test_state_cannot_widen_the_rule_of_the_country() -> None:
    wide = {**US_RULES, ("US", "GA"): always(state="GA")}
    assert not check(place("GA"), at=local("2026-10-06 07:59"), rules=wide).is_open
    assert not check(place("GA"), at=local("2026-10-06 21:00"), rules=wide).is_open
    wider = {**wide, ("US", ""): always()}
    assert check(place("GA"), at=local("2026-10-06 03:00"), rules=wider).is_open


def test_country_can_forbid_sundays_and_holidays_everywhere() -> None:
    country = replace(US_RULES["US", ""], calls_on_sunday=False, calls_on_holidays=False)
    rules = {**US_RULES, ("US", ""): country}
    assert not check(place("GA"), at=local("2026-10-04 12:00"), rules=rules).is_open
    assert not check(place("GA"), at=local("2026-12-25 12:00"), rules=rules).is_open


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (Place("CA", "ON", "America/Toronto"), "Ontario"),
        (Place("JM", "", "America/Jamaica"), "JM"),
        (Place("CA", "", "America/Toronto"), "Canada"),
        (Place("US", "FM", "Pacific/Pohnpei"), "FM"),
    ],
)
def test_country_or_state_without_a_row_is_not_called(where: Place, name: str) -> None:
    text = f"{name}: no calling hours are set, so calls there are not allowed."
    verdict = check(place("GA"), where, at=local("2026-10-06 12:00"))
    assert verdict == HoursVerdict(
        is_open=False, opens_at=None, closes_at=None, reasons=(HoursReason("no_calling_hours", text),)
    )


def test_state_row_without_a_row_of_its_country_is_not_called() -> None:
    rules = index_rules([always(state="GA")])
    assert [
        reason.code for reason in check(place("GA"), at=local("2026-10-06 12:00"), rules=rules).reasons
    ] == ["no_calling_hours"]


def test_lead_without_a_place_is_not_called() -> None:
    verdict = check(at=local("2026-10-06 12:00"))
    assert not verdict.is_open
    assert verdict.reasons == (HoursReason("no_timezone", "The lead's time zone is unknown."),)


def test_no_calls_on_sunday() -> None:
    alabama = place("AL")
    last = local("2026-10-03 20:00", state="AL") - SECOND
    assert check(alabama, at=last).is_open
    assert check(alabama, at=last + SECOND).opens_at == local("2026-10-05 08:00", state="AL")
    sunday = check(alabama, at=local("2026-10-04 15:00", state="AL"))
    assert sunday.opens_at == local("2026-10-05 08:00", state="AL")
    assert list_texts(sunday) == ["Alabama: no calls on Sunday; it is Sunday, 3:00 pm there."]


def test_sunday_is_that_of_the_place() -> None:
    # In Hawaii it is still Saturday, 3 pm, when Sunday has begun in London.
    rules = {**US_RULES, ("US", "HI"): replace(US_RULES["US", "HI"], calls_on_sunday=False)}
    assert check(place("HI"), at=datetime(2026, 10, 4, 1, tzinfo=UTC), rules=rules).is_open
    assert not check(place("HI"), at=datetime(2026, 10, 4, 22, tzinfo=UTC), rules=rules).is_open


def test_no_calls_on_holidays() -> None:
    christmas = check(place("LA"), at=local("2026-12-25 10:00", state="LA"))
    assert christmas.opens_at == local("2026-12-26 08:00", state="LA")
    assert list_texts(christmas) == ["Louisiana: no calls on holidays; it is Christmas Day, 10:00 am there."]


def test_holiday_before_a_sunday_and_an_observed_monday_close_three_days() -> None:
    # Saturday, 3 July 2027 is the last day before Sunday, the Fourth, and its observed Monday.
    verdict = check(place("AL"), at=local("2027-07-03 20:00", state="AL"))
    assert verdict.opens_at == local("2027-07-06 08:00", state="AL")
    monday = check(place("AL"), at=local("2027-07-05 12:00", state="AL"))
    assert list_texts(monday) == [
        "Alabama: no calls on holidays; it is Independence Day (observed), 12:00 pm there."
    ]


@pytest.mark.parametrize(
    ("day", "opens_utc"),
    [
        ("2026-03-07", 13),  # the day before the clocks go forward
        ("2026-03-08", 12),
        ("2026-10-31", 12),  # the day before the clocks go back
        ("2026-11-01", 13),
    ],
)
def test_opening_follows_the_local_clock_on_the_days_that_change_it(day: str, opens_utc: int) -> None:
    verdict = check(place("GA"), at=local(f"{day} 00:30"))
    year, month, number = map(int, day.split("-"))
    assert verdict.opens_at == datetime(year, month, number, opens_utc, tzinfo=UTC)
    assert verdict.closes_at == local(f"{day} 21:00")


@pytest.mark.parametrize(
    ("state", "zone"), [("AZ", "America/Phoenix"), ("HI", "Pacific/Honolulu"), ("PR", "America/Puerto_Rico")]
)
def test_places_without_daylight_saving_open_at_the_same_utc_all_year(state: str, zone: str) -> None:
    hours = {
        verdict.opens_at.hour
        for day in ("2026-01-10", "2026-03-08", "2026-07-10", "2026-11-01")
        if (verdict := check(place(state, zone=zone), at=local(f"{day} 00:00", zone=zone))).opens_at
    }
    assert len(hours) == 1


def test_navajo_nation_changes_its_clocks_and_the_rest_of_arizona_does_not() -> None:
    both = (place("AZ", zone="America/Denver"), place("AZ", zone="America/Phoenix"))
    summer = check(*both, at=local("2026-07-07 08:30", zone="America/Denver"))
    assert summer.opens_at == local("2026-07-07 09:00", zone="America/Denver")
    assert check(*both, at=local("2026-01-06 08:30", zone="America/Denver")).is_open


def test_minutes_that_the_clock_repeats_are_open_twice() -> None:
    night = {
        **US_RULES,
        ("US", ""): always(),
        ("US", "GA"): replace(always(state="GA"), opens=time(1, 15), closes=time(1, 45)),
    }
    first = check(place("GA"), at=local("2026-11-01 00:00"), rules=night)
    assert (first.opens_at, first.closes_at) == (local("2026-11-01 01:15"), local("2026-11-01 01:45"))
    second = check(place("GA"), at=local("2026-11-01 01:45"), rules=night)
    assert (
        second.opens_at == local("2026-11-01 01:15", fold=1) == local("2026-11-01 01:15") + timedelta(hours=1)
    )
    assert second.closes_at == local("2026-11-01 01:45", fold=1)


def test_minutes_that_the_clock_skips_do_not_open() -> None:
    night = {
        **US_RULES,
        ("US", ""): always(),
        ("US", "GA"): replace(always(state="GA"), opens=time(2, 15), closes=time(2, 45)),
    }
    assert check(place("GA"), at=local("2026-03-08 01:00"), rules=night).opens_at == local("2026-03-09 02:15")


def test_window_over_a_change_of_the_clock_is_one_opening() -> None:
    night = {
        **US_RULES,
        ("US", ""): always(),
        ("US", "GA"): replace(always(state="GA"), opens=time(0), closes=time(5)),
    }
    verdict = check(place("GA"), at=local("2026-03-08 00:30"), margin=timedelta(hours=1), rules=night)
    assert verdict.is_open
    assert verdict.closes_at == local("2026-03-08 05:00") - timedelta(hours=1)


def test_last_minute_of_a_day_is_closed() -> None:
    rules = {**US_RULES, ("US", ""): always(), ("US", "GA"): always(state="GA")}
    assert check(place("GA"), at=local("2026-10-06 23:58:59"), rules=rules).is_open
    assert not check(place("GA"), at=local("2026-10-06 23:59"), rules=rules).is_open
    assert check(place("GA"), at=local("2026-10-06 23:59"), rules=rules).opens_at == local("2026-10-07 00:00")


def test_channel_must_be_open_too() -> None:
    hours = compile_hours(
        {"tue": [["10:00", "12:00"], ["13:00", "24:00"]], "wed": [["00:00", "01:00"]]}, "America/New_York"
    )
    lunch = check(place("GA"), at=local("2026-10-06 12:30"), channel_hours=hours)
    assert lunch.opens_at == local("2026-10-06 13:00")
    assert lunch.reasons == (HoursReason("channel_closed", "The channel is closed at this hour."),)
    assert check(place("GA"), at=local("2026-10-06 13:00"), channel_hours=hours).is_open
    assert check(place("GA"), at=local("2026-10-06 21:00"), channel_hours=hours).opens_at == local(
        "2026-10-13 10:00"
    )


def test_channel_hours_over_midnight_are_one_opening() -> None:
    hours = compile_hours({"tue": [["13:00", "24:00"]], "wed": [["00:00", "09:00"]]}, "America/New_York")
    rules = {**US_RULES, ("US", ""): always(), ("US", "HI"): always(state="HI")}
    at = local("2026-10-06 20:00", state="GA")
    verdict = check(place("HI"), at=at, rules=rules, channel_hours=hours)
    assert verdict.is_open
    assert verdict.closes_at == local("2026-10-06 23:59", state="HI") == local("2026-10-07 05:59")


def test_channel_that_is_always_open_narrows_nothing() -> None:
    hours = compile_hours({}, "Asia/Tokyo")
    at = local("2026-10-06 12:00")
    assert check(place("GA"), at=at, channel_hours=hours) == check(place("GA"), at=at)


def test_opening_after_the_fourteenth_day_is_not_searched() -> None:
    hours = compile_hours({"tue": [["10:00", "12:00"]]}, "America/New_York")
    rules = {**US_RULES, ("US", "GA"): replace(US_RULES["US", "GA"], opens=time(13))}
    verdict = check(place("GA"), at=local("2026-10-06 12:30"), rules=rules, channel_hours=hours)
    assert (verdict.is_open, verdict.opens_at, verdict.closes_at) == (False, None, None)


def test_opening_that_is_too_short_for_the_margin_is_skipped() -> None:
    hours = compile_hours({"tue": [["10:00", "10:02"]], "wed": [["10:00", "10:03"]]}, "America/New_York")
    verdict = check(place("GA"), at=local("2026-10-06 09:00"), margin=2 * MINUTE, channel_hours=hours)
    assert (verdict.opens_at, verdict.closes_at) == (local("2026-10-07 10:00"), local("2026-10-07 10:01"))


def test_no_text_names_a_zone_or_a_digit_of_the_phone() -> None:
    verdict = check(place("GA"), place("WA"), at=local("2026-10-06 03:00"), margin=NOW)
    assert list_texts(verdict) == [
        "Georgia: 8 am to 9 pm; it is 3:00 am there.",
        "Washington: 8 am to 8 pm; it is 12:00 am there.",
    ]
