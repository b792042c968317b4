"""Part 4: pure routing decisions: the rules of one workspace against leads that each match a different rule."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from routing.intake.condition_fields import condition_fields
from routing.intake.parse import CleanLead
from routing.models.rule_triggers import MAX_HOPS
from routing.rules.ruleset import Plan as RoutingPlan
from routing.rules.ruleset import compile_rules
from tests.bench.numbers import Spread
from tests.bench.plan import Plan

Progress = Callable[[str], None]

STATES: Final = ("GA", "AL", "FL", "TX", "AZ", "CA", "OR", "NY", "OH", "MI")
LEADS: Final = 50


def count_steps(plan: Plan) -> int:
    """How often `measure_routing` reports progress."""
    return len(plan.rule_counts)


def measure_routing(plan: Plan, *, progress: Progress) -> Mapping[str, Any]:
    """Measure each number of rules, round by round."""
    return {"sizes": [_measure_size(plan, size, progress=progress) for size in plan.rule_counts]}


def _measure_size(plan: Plan, size: int, *, progress: Progress) -> Mapping[str, Any]:
    progress(f"{size} rules")
    routing_plan = build_plan(size)
    leads = [make_fields(number * size // LEADS) for number in range(LEADS)]
    decisions = max(LEADS, plan.rule_checks // size)
    rates, asked = [], 0
    for _ in range(plan.rounds):
        seconds, asked = _decide(routing_plan, leads, count=decisions)
        rates.append(decisions / seconds)
    rate = Spread.of(rates)
    return {
        "rules": size,
        "decisions_per_second": rate.as_json(),
        "rounds": rates,
        "decisions": decisions,
        "rules_asked_a_decision": asked / decisions,
        "microseconds_a_decision": 1e6 / rate.median,
        "microseconds_a_rule": 1e6 * decisions / rate.median / asked,
    }


def _decide(
    routing_plan: RoutingPlan, leads: Sequence[Mapping[str, Any]], *, count: int
) -> tuple[float, int]:
    """Route `count` leads. Returns the seconds, and how many rules were checked. Each lead must match a rule."""
    asked = 0
    started = time.perf_counter()
    for number in range(count):
        [hop] = routing_plan.find_path(leads[number % len(leads)], max_hops=MAX_HOPS)
        asked += hop.rule.id + 1
    return time.perf_counter() - started, asked


def build_plan(size: int) -> RoutingPlan:
    """Make rules of three comparisons each, the first of which is often true. Rule n matches leads of ZIP n."""
    rows = [
        {
            "id": number,
            "name": f"rule {number}",
            "destination_id": 2,
            "tags": (),
            "conditions": {
                "all": [
                    {"field": "state", "op": "eq", "value": STATES[number % len(STATES)]},
                    {"field": "attributes.roof_age", "op": "gte", "value": 5},
                    {"field": "zip", "op": "eq", "value": f"{number:05d}"},
                ]
            },
        }
        for number in range(size)
    ]
    return RoutingPlan(1, 1, {1: compile_rules(rows)})


def make_fields(number: int) -> Mapping[str, Any]:
    """Return the fields of a lead that rule `number` matches, as an attempt makes them."""
    names = ("first_name", "last_name", "email", "phone", "address", "external_id", "consent")
    blank: dict[str, Any] = dict.fromkeys(names)
    lead = CleanLead(
        **blank,
        city="Atlanta",
        state=STATES[number % len(STATES)],
        county="Fulton County",
        country="US",
        zip=f"{number:05d}",
        vertical="roofing",
        attributes={"roof_age": 12, "property_type": "residential", "stories": 2, "own_home": True},
    )
    return condition_fields(lead, source="form")
