"""The four modes, tiers before modes, shared leads, ties, and the fairness of the weighted order."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distribution.engine import CompiledCampaign, LiveFacts, compile_campaign, decide
from distribution.engine.ranking import mix
from tests.unit.engine.builders import AT, definition, enrollment, facts, reasons, run, selected_ids, tier


def last(minutes_ago: int | None) -> LiveFacts:
    at = None if minutes_ago is None else AT - timedelta(minutes=minutes_ago)
    return LiveFacts(100_000, last_assigned_at=at)


def test_round_robin_takes_the_longest_waiting_and_newcomers_first() -> None:
    campaign = definition([enrollment(1), enrollment(2), enrollment(3)])
    decision = run(campaign, {1: last(5), 2: last(60), 3: last(None)})
    assert decision.ranking == (3, 2, 1)
    assert selected_ids(decision) == [3]
    assert reasons(decision) == {2: "outranked", 1: "outranked"}
    assert [skip.data["rank"] for skip in decision.skipped] == [2, 3]
    assert decision.skipped[0].gates == ()


def test_priority_then_turn() -> None:
    campaign = definition(
        [enrollment(1, priority=1), enrollment(2, priority=5), enrollment(3, priority=5)], mode="priority"
    )
    assert run(campaign, {2: last(5), 3: last(60)}).ranking == (3, 2, 1)


def test_price_then_turn() -> None:
    campaign = definition([enrollment(1), enrollment(2, bid_cents=3000), enrollment(3)], mode="price")
    decision = run(campaign, {1: last(5), 3: last(60)})
    assert decision.ranking == (2, 3, 1)
    assert decision.selected[0].price_cents == 3000


def test_tier_position_comes_before_the_mode() -> None:
    tiers = [tier(1, position=2), tier(2, position=1)]
    campaign = definition(
        [enrollment(1, priority=9), enrollment(2, tier_id=2)], tiers=tiers, mode="priority", max_buyers=2
    )
    decision = run(campaign)
    assert selected_ids(decision) == [2, 1]
    assert [(each.tier_id, each.rank) for each in decision.selected] == [(2, 1), (1, 2)]


def test_shared_lead_fills_the_free_slots_only() -> None:
    campaign = definition([enrollment(each) for each in range(1, 6)], max_buyers=3)
    decision = run(campaign, {1: LiveFacts(100_000, has_lead=True)}, sold_count=1)
    assert len(decision.selected) == 2
    assert Counter(reasons(decision).values()) == {"already_has_lead": 1, "outranked": 2}


def test_locked_candidates_are_replaced_by_the_next() -> None:
    campaign = definition([enrollment(1), enrollment(2)])
    decision = run(campaign, {1: last(60), 2: last(5)}, locked=frozenset({1}))
    assert selected_ids(decision) == [2]
    assert reasons(decision) == {1: "locked"}


def test_seed_decides_ties_and_nothing_else() -> None:
    campaign = definition([enrollment(1), enrollment(2)])
    winners = Counter(selected_ids(run(campaign, seed=seed))[0] for seed in range(400))
    assert 150 < winners[1] < 250
    decided = {1: last(5), 2: last(60)}
    assert {selected_ids(run(campaign, decided, seed=seed))[0] for seed in range(50)} == {2}


@given(seed=st.integers(0, 2**64), key=st.integers(1, 2**63))
def test_coin_fits_into_53_bits(seed: int, key: int) -> None:
    assert 0 <= mix(seed, key) < 2**53


def test_rank_key_is_made_of_integers_that_sort() -> None:
    campaign = definition([enrollment(1, weight=3), enrollment(2)], mode="weighted", max_buyers=2)
    decision = run(campaign)
    keys = [each.rank_key for each in decision.selected]
    assert keys == sorted(keys)
    assert all(isinstance(part, int) for key in keys for part in key)
    assert [each.new_virtual_finish for each in decision.selected] == [333_333_333, 10**9]


def test_equal_to_the_mean_is_eligible() -> None:
    weights = {1: 9, 2: 1, 3: 1}
    campaign = definition(
        [enrollment(key, weight=weight) for key, weight in weights.items()], mode="weighted"
    )
    finishes = {1: 10**9, 2: 10**9 // 2, 3: 3 * 10**9 // 2}
    assert run(
        campaign, {key: LiveFacts(10**6, virtual_finish=each) for key, each in finishes.items()}
    ).ranking == (1, 2, 3)


class Counted:
    """Sells leads one after another and stores the virtual finishes, as the distributor does."""

    def __init__(self, weights: list[int]) -> None:
        self.weights = weights
        rows = [enrollment(number, weight=weight) for number, weight in enumerate(weights, start=1)]
        self.definition: dict[str, Any] = definition(rows, mode="weighted")
        self.campaign: CompiledCampaign = compile_campaign(self.definition)
        self.finishes = dict.fromkeys(range(1, len(weights) + 1), 0)
        self.picks: list[int] = []

    def sell(self, leads: int, *, absent: frozenset[int] = frozenset()) -> list[int]:
        for _ in range(leads):
            live = {
                key: LiveFacts(10**9, virtual_finish=finish, has_lead=key in absent)
                for key, finish in self.finishes.items()
            }
            [won] = decide(self.campaign, facts(self.definition, live, seed=len(self.picks))).selected
            assert won.new_virtual_finish is not None
            self.finishes[won.enrollment_id] = won.new_virtual_finish
            self.picks.append(won.enrollment_id)
        return self.picks[-leads:]


@settings(max_examples=40, deadline=None)
@given(weights=st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_weighted_counts_stay_within_one_of_their_share(weights: list[int]) -> None:
    sold = Counted(weights)
    sold.sell(60)
    counts: Counter[int] = Counter()
    for number, pick in enumerate(sold.picks, start=1):
        counts[pick] += 1
        for key, weight in enumerate(weights, start=1):
            assert abs(counts[key] - number * weight / sum(weights)) <= 1.001


class Interleaved:
    """Workers that each hold a buyer from the decision to the sale. Sales end in any order, sometimes late."""

    def __init__(self, buyers: int) -> None:
        self.definition: dict[str, Any] = definition([enrollment(each) for each in range(1, buyers + 1)])
        self.campaign = compile_campaign(self.definition)
        self.live = {each: LiveFacts(10**9) for each in range(1, buyers + 1)}
        self.held: dict[int, int] = {}
        self.counts: Counter[int] = Counter(dict.fromkeys(self.live, 0))

    def begin(self) -> None:
        """Hold the buyer that comes first when held ones count as served. Hold none if it is already held."""
        live = dict(self.live)
        seen: set[int] = set()
        while True:
            [won] = decide(self.campaign, facts(self.definition, live)).selected
            if won.enrollment_id not in self.held:
                self.held[won.enrollment_id] = won.new_virtual_finish
                return
            if won.enrollment_id in seen:
                return
            seen.add(won.enrollment_id)
            live[won.enrollment_id] = replace(
                live[won.enrollment_id],
                last_assigned_at=AT + timedelta(days=1),
                virtual_finish=won.new_virtual_finish,
            )

    def end(self, enrollment_id: int) -> None:
        finish = self.held.pop(enrollment_id)
        self.counts[enrollment_id] += 1
        at = AT + timedelta(milliseconds=self.counts.total())
        self.live[enrollment_id] = replace(
            self.live[enrollment_id], last_assigned_at=at, virtual_finish=finish
        )


@settings(max_examples=25, deadline=None)
@given(buyers=st.integers(2, 6), workers=st.integers(1, 4), chance=st.randoms(use_true_random=False))
def test_counts_stay_level_for_any_order_of_sales(buyers: int, workers: int, chance: Random) -> None:
    """By the last lead's time alone they diverge: of 100 leads each, with four workers, by 2 or more."""
    sold = Interleaved(buyers)
    for _ in range(150):
        if len(sold.held) < workers and chance.random() < 0.6:
            sold.begin()
        elif sold.held:
            sold.end(chance.choice(sorted(sold.held)))
    for enrollment_id in list(sold.held):
        sold.end(enrollment_id)
    assert max(sold.counts.values()) - min(sold.counts.values()) <= 2, sold.counts


def test_weighted_order_interleaves() -> None:
    """The heavy buyer has half of the weight, so it never gets three leads in a row nor waits for three."""
    picks = Counted([9] + [1] * 9).sell(180)
    heavy = "".join("h" if pick == 1 else "." for pick in picks)
    assert heavy.count("h") == 90
    assert "hhh" not in heavy
    assert "..." not in heavy


@pytest.mark.parametrize("absence", [1, 50, 500])
def test_weighted_order_causes_no_burst_after_an_absence(absence: int) -> None:
    sold = Counted([1, 1, 1])
    sold.sell(9)
    sold.sell(absence, absent=frozenset({3}))
    after = Counter(sold.sell(12))
    assert 4 <= after[3] <= 6


def test_weighted_newcomer_starts_level() -> None:
    sold = Counted([2, 2, 1])
    sold.sell(400, absent=frozenset({3}))
    assert Counter(sold.sell(20))[3] in (4, 5)
