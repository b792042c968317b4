"""Why nothing was sold: every lead-level verdict, the gate that emptied the pool, and when to try again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.engine import LiveFacts, Verdict
from tests.unit.engine.builders import (
    AT,
    CLOSED_ALWAYS,
    RICH,
    WEEKDAYS_NINE_TO_FIVE,
    buyer,
    definition,
    enrollment,
    reasons,
    run,
    tier,
)

NEVER = {"field": "state", "op": "eq", "value": "FL"}
SATURDAY = datetime(2025, 6, 7, 16, 0, tzinfo=UTC)
MONDAY_NINE = datetime(2025, 6, 9, 13, 0, tzinfo=UTC)
DAY_START = datetime(2025, 6, 4, 4, 0, tzinfo=UTC)
MIDNIGHT = datetime(2025, 6, 5, 4, 0, tzinfo=UTC)
EMPTY = LiveFacts()


def capped(window: str = "day", starts_at: datetime = DAY_START) -> LiveFacts:
    return LiveFacts(100_000, usage={window: (starts_at, 1, 0)})


def test_campaign_without_enrollments_has_a_permanent_verdict() -> None:
    for schedule in ({}, CLOSED_ALWAYS):
        decision = run(definition([], schedule=schedule))
        assert decision.verdict == Verdict("no_enrolled_buyers", "permanent")
        assert decision.funnel == (("enrolled", 0),)


def test_closed_campaign_is_deferred_before_the_pool_is_built() -> None:
    decision = run(definition(schedule=WEEKDAYS_NINE_TO_FIVE), at=SATURDAY)
    assert decision.outcome == "unsold"
    assert decision.verdict == Verdict("outside_campaign_hours", "deferred", MONDAY_NINE)
    assert decision.funnel == (("enrolled", 1),)
    assert decision.skipped == ()
    assert decision.prices == ()


def test_lead_waits_for_the_end_of_a_pause_and_then_for_opening_hours() -> None:
    saturday_noon = SATURDAY.isoformat()
    paused = buyer(paused_until=saturday_noon, paused_by="buyer")
    assert run(definition(buyers=[paused])).verdict == Verdict(
        "no_eligible_buyers", "deferred", SATURDAY, "buyer_paused"
    )
    both = buyer(paused_until=saturday_noon, hours=WEEKDAYS_NINE_TO_FIVE)
    verdict = run(definition(buyers=[both])).verdict
    assert verdict == Verdict("no_eligible_buyers", "deferred", MONDAY_NINE, "buyer_paused")


def test_campaign_that_never_opens_needs_a_person() -> None:
    decision = run(definition(schedule=CLOSED_ALWAYS))
    assert decision.verdict == Verdict("outside_campaign_hours", "permanent")


@pytest.mark.parametrize(
    ("changes", "live", "reason", "emptied_by"),
    [
        ({"row": {"active": False}}, RICH, "no_eligible_buyers", "enrollment_paused"),
        ({"buyer": {"active": False}}, RICH, "no_eligible_buyers", "buyer_paused"),
        ({"buyer": {"service_area": {}}}, RICH, "no_eligible_buyers", "outside_service_area"),
        ({"buyer": {"answers": {"q": 1}}}, RICH, "no_eligible_buyers", "onboarding_mismatch"),
        (
            {"row": {"lead_filter": NEVER}},
            RICH,
            "no_eligible_buyers_after_tier_filters",
            "lead_filter_rejected",
        ),
        (
            {"tier": {"content_filter": NEVER}},
            RICH,
            "no_eligible_buyers_after_tier_filters",
            "lead_filter_rejected",
        ),
        ({"buyer": {"hours": CLOSED_ALWAYS}}, RICH, "all_buyers_outside_hours", "outside_buyer_hours"),
        ({"row": {"caps": {"day": 0}}}, RICH, "all_buyers_capped", "cap_reached"),
        ({}, EMPTY, "insufficient_credits", "insufficient_credits"),
        ({}, LiveFacts(100_000, has_lead=True), "no_eligible_buyers", "already_has_lead"),
    ],
)
def test_permanent_verdict_names_the_gate_that_emptied_the_pool(
    changes: dict[str, Any], live: LiveFacts, reason: str, emptied_by: str
) -> None:
    campaign = definition(
        [enrollment(**changes.get("row", {}))],
        [buyer(**changes.get("buyer", {}))],
        [tier(**changes.get("tier", {}))],
        questions=[{"key": "q", "field": "attributes.q", "op": "eq"}],
    )
    decision = run(campaign, {1: live})
    assert decision.outcome == "unsold"
    assert decision.verdict == Verdict(reason, "permanent", None, emptied_by)
    assert dict(decision.funnel)[emptied_by] == 0


def test_last_gate_to_empty_the_pool_counts_not_the_largest() -> None:
    rows = [enrollment(1), enrollment(2), enrollment(3)]
    buyers = [buyer(101, service_area={}), buyer(102, service_area={})]
    decision = run(definition(rows, buyers), {3: EMPTY})
    assert decision.verdict == Verdict("insufficient_credits", "permanent", None, "insufficient_credits")
    assert decision.funnel == (
        ("enrolled", 3),
        ("enrollment_paused", 3),
        ("buyer_paused", 3),
        ("outside_service_area", 1),
        ("onboarding_mismatch", 1),
        ("lead_filter_rejected", 1),
        ("outside_buyer_hours", 1),
        ("cap_reached", 1),
        ("insufficient_credits", 0),
        ("already_has_lead", 0),
        ("rejected_lead", 0),
        ("locked", 0),
        ("selected", 0),
    )


def test_all_locked_is_contention() -> None:
    decision = run(definition([enrollment(1), enrollment(2)]), locked=frozenset({1, 2}))
    assert decision.outcome == "contention"
    assert decision.verdict == Verdict("tier_lock_contention", "transient", None, "locked")
    assert reasons(decision) == {1: "locked", 2: "locked"}


def test_lead_with_all_its_buyers_is_sold_out() -> None:
    campaign = definition([enrollment(1), enrollment(2)])
    decision = run(campaign, {1: LiveFacts(100_000, has_lead=True)}, sold_count=1)
    assert decision.outcome == "sold_out"
    assert decision.verdict == Verdict("no_eligible_buyers", "permanent", None, "outranked")
    assert reasons(decision) == {1: "already_has_lead", 2: "outranked"}


def test_closed_buyers_defer_to_the_first_that_opens() -> None:
    late = {"mon": [["10:00", "12:00"]]}
    buyers = [buyer(101, hours=late), buyer(102, hours=WEEKDAYS_NINE_TO_FIVE)]
    decision = run(definition([enrollment(1), enrollment(2)], buyers), at=SATURDAY)
    assert decision.verdict == Verdict(
        "all_buyers_outside_hours", "deferred", MONDAY_NINE, "outside_buyer_hours"
    )


def test_capped_buyers_defer_to_the_first_reset() -> None:
    rows = [enrollment(1, caps={"month": 1}), enrollment(2, caps={"day": 1})]
    live = {1: capped("month", datetime(2025, 6, 1, 4, tzinfo=UTC)), 2: capped()}
    decision = run(definition(rows), live)
    assert decision.verdict == Verdict("all_buyers_capped", "deferred", MIDNIGHT, "cap_reached")


def test_waiting_helps_only_a_buyer_that_fails_nothing_else() -> None:
    poor = LiveFacts(usage={"day": (DAY_START, 1, 0)})
    decision = run(definition([enrollment(caps={"day": 1})]), {1: poor})
    assert decision.verdict == Verdict("all_buyers_capped", "permanent", None, "cap_reached")


def test_any_waiting_buyer_defers_whatever_emptied_the_pool() -> None:
    decision = run(definition([enrollment(1, caps={"day": 1}), enrollment(2)]), {1: capped(), 2: EMPTY})
    assert decision.verdict == Verdict("insufficient_credits", "deferred", MIDNIGHT, "insufficient_credits")


def test_cap_resets_while_the_buyer_is_closed() -> None:
    campaign = definition([enrollment(caps={"day": 1})], [buyer(hours=WEEKDAYS_NINE_TO_FIVE)])
    friday = datetime(2025, 6, 6, 15, 0, tzinfo=UTC)
    live = {1: capped("day", datetime(2025, 6, 6, 4, tzinfo=UTC))}
    verdict = run(campaign, live, at=friday).verdict
    assert verdict == Verdict("all_buyers_capped", "deferred", MONDAY_NINE, "cap_reached")


def test_hours_and_caps_must_open_together() -> None:
    """Closed now and capped for the day: the buyer opens again tonight, but its cap resets at midnight."""
    hours = {"wed": [["09:00", "11:00"], ["22:00", "24:00"]], "thu": [["08:00", "09:00"]]}
    campaign = definition([enrollment(caps={"day": 1})], [buyer(hours=hours)])
    verdict = run(campaign, {1: capped()}).verdict
    assert verdict is not None
    assert verdict.retry_at == datetime(2025, 6, 5, 12, 0, tzinfo=UTC)


def test_buyer_and_campaign_must_be_open_together() -> None:
    campaign = definition(
        buyers=[buyer(hours={"sat": [["00:00", "24:00"]], "mon": [["16:00", "18:00"]]})],
        schedule=WEEKDAYS_NINE_TO_FIVE,
    )
    verdict = run(campaign).verdict
    assert verdict is not None
    assert verdict.retry_at == datetime(2025, 6, 9, 20, 0, tzinfo=UTC)


def test_buyer_open_only_while_the_campaign_is_closed_is_not_retried_forever() -> None:
    campaign = definition(buyers=[buyer(hours={"sat": [["00:00", "24:00"]]})], schedule=WEEKDAYS_NINE_TO_FIVE)
    verdict = run(campaign).verdict
    assert verdict == Verdict("all_buyers_outside_hours", "permanent", None, "outside_buyer_hours")


@pytest.mark.parametrize(
    ("at", "midnight"),
    [
        ("2025-03-09T05:30:00+00:00", "2025-03-10T04:00:00+00:00"),  # the day of 23 hours
        ("2025-11-02T04:30:00+00:00", "2025-11-03T05:00:00+00:00"),  # the day of 25 hours
    ],
)
def test_day_cap_resets_at_the_buyers_midnight_when_the_clocks_change(at: str, midnight: str) -> None:
    now = datetime.fromisoformat(at)
    start = now.replace(minute=0)
    decision = run(definition([enrollment(caps={"day": 1})]), {1: capped("day", start)}, at=now)
    assert decision.verdict is not None
    assert decision.verdict.retry_at == datetime.fromisoformat(midnight)


def test_hours_that_the_clocks_skip_open_a_week_later() -> None:
    campaign = definition(buyers=[buyer(hours={"sun": [["02:00", "03:00"]]})])
    verdict = run(campaign, at=datetime(2025, 3, 9, 5, 0, tzinfo=UTC)).verdict
    assert verdict is not None
    assert verdict.retry_at == datetime(2025, 3, 16, 6, 0, tzinfo=UTC)


def test_retry_is_always_later_than_the_decision() -> None:
    campaign = definition([enrollment(caps={"hour": 1})])
    for second in range(0, 3600, 599):
        at = AT.replace(minute=0) + timedelta(seconds=second, microseconds=1)
        verdict = run(campaign, {1: capped("hour", AT.replace(minute=0))}, at=at).verdict
        assert verdict is not None
        assert verdict.retry_at == AT.replace(minute=0) + timedelta(hours=1)
        assert verdict.retry_at > at
