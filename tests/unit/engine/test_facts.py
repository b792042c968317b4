"""Facts survive JSON exactly, decisions repeat, counters change with sales, and campaigns resolve."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distribution.engine import (
    CampaignHead,
    LiveFacts,
    OtherEngine,
    compile_campaign,
    consume,
    decide,
    facts_from_json,
    facts_to_json,
    give_back,
    resolve_campaign,
)
from distribution.engine.facts import ENGINE, REPEATABLE
from tests.unit.engine import oracle_clocks
from tests.unit.engine.builders import definition, enrollment, facts
from tests.unit.engine.strategies import INSTANTS, ZONES, definitions, facts_for

NEW_YORK = "America/New_York"
KINDS = ("hour", "day", "week", "month")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_facts_round_trip_and_the_decision_repeats(data: st.DataObject) -> None:
    campaign = data.draw(definitions())
    situation = data.draw(facts_for(campaign, oracle_clocks.window))
    stored = json.loads(json.dumps(facts_to_json(situation)))
    again = facts_from_json(stored)

    assert again == situation
    first = decide(compile_campaign(campaign), situation)
    assert decide(compile_campaign(json.loads(json.dumps(campaign))), again) == first
    json.dumps([skip.gates for skip in first.skipped] + [skip.data for skip in first.skipped])
    json.dumps([each.rank_key for each in first.selected] + [price.applied for price in first.prices])


@pytest.mark.parametrize("engine", [None, min(REPEATABLE) - 1, ENGINE + 1])
def test_facts_of_another_engine_are_refused(engine: int | None) -> None:
    stored = {**facts_to_json(facts(definition([enrollment(1)]))), "engine": engine}
    with pytest.raises(OtherEngine, match=f"this is {ENGINE}"):
        facts_from_json(stored)


@settings(max_examples=60, deadline=None)
@given(at=st.sampled_from(INSTANTS), timezone=st.sampled_from(ZONES), cents=st.integers(0, 9000))
def test_consume_keeps_all_windows_and_give_back_undoes_it(at: datetime, timezone: str, cents: int) -> None:
    once = consume({}, at=at, timezone=timezone, price_cents=cents)
    assert once == {kind: (oracle_clocks.window(kind, at, timezone)[0], 1, cents) for kind in KINDS}
    twice = consume(once, at=at, timezone=timezone, price_cents=100)
    assert twice == {kind: (start, 2, cents + 100) for kind, (start, _, _) in once.items()}
    sold_in = {kind: start for kind, (start, _, _) in once.items()}
    assert give_back(twice, counted_in=sold_in, price_cents=100) == once


def test_expired_windows_restart() -> None:
    evening = datetime(2025, 6, 4, 23, 30, tzinfo=UTC)
    usage = consume({}, at=evening, timezone=NEW_YORK, price_cents=700)
    later = consume(usage, at=evening + timedelta(hours=6), timezone=NEW_YORK, price_cents=300)
    assert later["hour"] == (datetime(2025, 6, 5, 5, tzinfo=UTC), 1, 300)
    assert later["day"] == (datetime(2025, 6, 5, 4, tzinfo=UTC), 1, 300)
    assert later["week"] == (usage["week"][0], 2, 1000)
    assert later["month"] == (usage["month"][0], 2, 1000)


def test_return_leaves_windows_that_began_after_the_sale() -> None:
    sold_at = datetime(2025, 6, 4, 23, 30, tzinfo=UTC)
    usage = consume({}, at=sold_at + timedelta(hours=6), timezone=NEW_YORK, price_cents=300)
    sold_in = {kind: oracle_clocks.window(kind, sold_at, NEW_YORK)[0] for kind in KINDS}
    returned = give_back(usage, counted_in=sold_in, price_cents=300)
    assert returned["hour"] == usage["hour"]
    assert returned["day"] == usage["day"]
    assert returned["week"] == (usage["week"][0], 0, 0)


def test_sale_with_a_slow_clock_keeps_the_newer_window() -> None:
    midnight = datetime(2025, 6, 5, 4, tzinfo=UTC)
    usage = consume({}, at=midnight, timezone=NEW_YORK, price_cents=100)
    late = consume(usage, at=midnight - timedelta(seconds=1), timezone=NEW_YORK, price_cents=100)
    assert late["day"] == (midnight, 2, 200)


def head(campaign_id: int, source_id: int | None, vertical: str | None, priority: int = 0) -> CampaignHead:
    return CampaignHead(campaign_id, source_id, vertical, priority)


def test_most_specific_campaign_wins_then_priority_then_id() -> None:
    heads = [head(1, None, None, 9), head(2, None, "roof", 8), head(3, 5, None, 1), head(4, 5, "roof")]
    for expected in (4, 3, 2, 1):
        chosen = resolve_campaign(heads, source_id=5, vertical="roof")
        assert chosen is not None
        assert chosen.id == expected
        heads.remove(chosen)
    assert resolve_campaign(heads, source_id=5, vertical="roof") is None

    ties = [head(7, None, "roof", 1), head(6, None, "roof", 2), head(5, None, "roof", 2)]
    chosen = resolve_campaign(ties, source_id=None, vertical="roof")
    assert chosen is not None
    assert chosen.id == 5


def test_campaign_of_another_source_or_vertical_does_not_match() -> None:
    heads = [head(1, 6, None), head(2, None, "solar"), head(3, 5, "solar")]
    assert resolve_campaign(heads, source_id=5, vertical="roof") is None


@settings(max_examples=30, deadline=None)
@given(order=st.lists(st.sampled_from(INSTANTS), min_size=2, max_size=8))
def test_earlier_decisions_do_not_affect_a_campaign(order: list[datetime]) -> None:
    raw = definition([enrollment(caps=dict.fromkeys(KINDS, 1)), enrollment(2, caps={"hour": 0, "day": 1})])
    compiled = compile_campaign(raw)
    for at in order:
        usage = {kind: (oracle_clocks.window(kind, at, NEW_YORK)[0], 1, 0) for kind in KINDS}
        situation = facts(raw, {1: LiveFacts(10**6, usage=usage), 2: LiveFacts(10**6, usage=usage)}, at=at)
        assert decide(compiled, situation) == decide(compile_campaign(raw), situation)
