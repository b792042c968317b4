"""Rules about two variables: values that are each in range may still not fit together."""

from typing import Any, Final, NamedTuple

from leadswitch.env.parse import BadEnvironment
from leadswitch.env.registry import Environment
from leadswitch.env.takeover import HEARTBEATS_A_LIMIT, DispatchTakeover
from leadswitch.env.tuning import DispatchTuning
from leadswitch.env.variable import Variable

PARTS: Final = {1: "", 2: "half of ", 3: "a third of "}


class Rule(NamedTuple):
    """`variable` is at most `bound` divided by `divisor`. Both have the same unit."""

    variable: Variable[Any]
    divisor: int
    bound: Variable[Any]


RULES: Final = (
    # One renewal may fail, and the dispatcher still leads.
    Rule(DispatchTuning.leader_renewal_ms, 2, DispatchTuning.leader_lease_ms),
    # The loop renews the lease between two batches.
    Rule(DispatchTuning.dispatcher_tick_ms, 1, DispatchTuning.leader_renewal_ms),
    Rule(DispatchTuning.conflict_first_retry_ms, 1, DispatchTuning.conflict_longest_retry_ms),
    Rule(DispatchTuning.error_first_retry_seconds, 1, DispatchTuning.error_longest_retry_seconds),
    Rule(DispatchTakeover.leader_heartbeat_seconds, HEARTBEATS_A_LIMIT, DispatchTakeover.alive_seconds),
    # A round sends one heartbeat.
    Rule(DispatchTakeover.fallback_round_seconds, HEARTBEATS_A_LIMIT, DispatchTakeover.alive_seconds),
    # One heartbeat may be lost, and a dispatcher that is cut off from Redis still stands by.
    Rule(DispatchTakeover.leader_heartbeat_seconds, 2, DispatchTakeover.fallback_after_seconds),
    # The dispatcher starts leads before the pick-up does so, which is slower.
    Rule(DispatchTakeover.fallback_after_seconds, 1, DispatchTakeover.alive_seconds),
    # A standby leads before the lease of a dead leader has passed twice.
    Rule(DispatchTakeover.standby_ms, 1, DispatchTuning.leader_lease_ms),
)


def check_together(environment: Environment) -> None:
    """Raises BadEnvironment for the first rule that is broken."""
    for rule in RULES:
        check_rule(environment, rule)


def check_rule(environment: Environment, rule: Rule) -> None:
    """Raises BadEnvironment, which names both variables, the value and the highest value that fits."""
    variable, divisor, bound = rule
    value, highest = getattr(environment, variable.field), getattr(environment, bound.field) // divisor
    if value > highest:
        problem = f"{value} is greater than {PARTS[divisor]}{bound.name}"
        raise BadEnvironment(variable.name, problem, f"Use at most {highest}, or raise {bound.name}")
