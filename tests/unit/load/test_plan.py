"""The plan of a load run: exact rates, the same times from the same seed, and leads that can be repeated."""

import json

import pytest

from tests.load.payloads import FARTHEST, Payloads
from tests.load.plan import ARRIVALS, POISSON, SHORT, UNIFORM, Phase, one_rate, phase_spans, plan_arrivals

PHASES = (Phase("slow", 10, 20), Phase("fast", 100, 5))


@pytest.mark.parametrize("arrivals", ARRIVALS)
def test_every_phase_has_its_leads_within_its_time(arrivals: str) -> None:
    planned = list(plan_arrivals(PHASES, arrivals=arrivals, seed=1))

    assert [each.number for each in planned] == list(range(700))
    assert [each.phase for each in planned] == [0] * 200 + [1] * 500
    assert planned == sorted(planned, key=lambda each: each.planned)
    assert all(0 <= each.planned < 20 for each in planned[:200])
    assert all(20 <= each.planned < 25 for each in planned[200:])


def test_uniform_starts_are_evenly_spread() -> None:
    planned = [each.planned for each in plan_arrivals((Phase("one", 4, 1),), arrivals=UNIFORM, seed=1)]
    assert planned == [0.0, 0.25, 0.5, 0.75]


def test_seed_decides_the_times() -> None:
    one, same, other = (list(plan_arrivals(PHASES, arrivals=POISSON, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_phases_follow_one_another() -> None:
    assert phase_spans(PHASES) == [(0, 20), (20, 25)]


def test_aim_depends_on_the_rate() -> None:
    assert [phase.p95_aim_ms for phase in SHORT] == [None, 100, 100, 100]
    assert [one_rate(rate, 10)[1].p95_aim_ms for rate in (100, 101, 300, 301)] == [100, 300, 300, None]


def test_one_lead_in_twenty_repeats_a_person_of_the_same_source() -> None:
    payloads = Payloads(seed=1, sources=3)
    emails: dict[str, int] = {}
    duplicates = 0
    for number in range(10_000):
        lead = json.loads(payloads.body(number))
        assert lead["attributes"]["number"] == number
        first = emails.setdefault(lead["email"], number)
        assert payloads.is_duplicate(number) == (first != number)
        if first != number:
            duplicates += 1
            assert number - first <= FARTHEST
            assert payloads.source_of(first) == payloads.source_of(number)
            assert json.loads(payloads.body(first))["vertical"] == lead["vertical"]
    assert 450 < duplicates < 550
    assert {payloads.source_of(number) for number in range(30)} == {0, 1, 2}


def test_number_gives_the_same_lead_again_and_another_run_other_people() -> None:
    one, same, other = (Payloads(seed=seed, sources=3).body(7) for seed in (1, 1, 2))
    assert one == same
    assert json.loads(one)["email"] != json.loads(other)["email"]
