"""The gates, one row each. The first gate that fails names the skip. A check returns None or the failure.

A failure is JSON: gate, required, observed, fixed_at (when the gate opens by itself) and what would have to change.
Parameters are positional because each check runs once for every enrollment of every decision.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from distribution.engine.area import area_failure
from distribution.engine.campaign import CompiledEnrollment, Filter, Limit, Pause
from distribution.engine.context import (
    LeadContext,
    calendar_failure,
    filter_failure,
    onboarding_failure,
)
from distribution.engine.types import JsonObject, LiveFacts

Check = Callable[[CompiledEnrollment, LiveFacts, int, LeadContext], JsonObject | None]


@dataclass(frozen=True, slots=True)
class Gate:
    """`code` names the skip and the stage of the funnel. A gate fails if one of its `checks` fails.

    `is_overridable`: a person may sell a lead in spite of it. Money, caps and double sales are not overridable.
    `is_time_bound`: the gate opens by itself at the failure's `fixed_at`. `has_calendar`: that time is an opening in a
    weekly calendar, not the reset of a counter.
    `empty_pool_reason`: why the lead is unsold when this gate removes the last buyer.
    """

    code: str
    checks: tuple[Check, ...]
    is_overridable: bool
    is_time_bound: bool = False
    has_calendar: bool = False
    empty_pool_reason: str = "no_eligible_buyers"


def _pause_failure(pause: Pause, code: str, at: datetime) -> JsonObject | None:
    if pause.until is not None and pause.until <= at:
        return None
    fixed_at = None if pause.until is None else pause.until.isoformat()
    failure = {"gate": code, "required": "active", "observed": "paused", "fixed_at": fixed_at}
    return failure if pause.by is None else {**failure, "by": pause.by}


def enrollment_active(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    pause = enrollment.enrollment_pause
    return None if pause is None else _pause_failure(pause, "enrollment_paused", context.at)


def buyer_active(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    pause = enrollment.buyer_pause
    return None if pause is None else _pause_failure(pause, "buyer_paused", context.at)


def in_service_area(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    return area_failure(enrollment.area, context.place)


def onboarding_matches(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    onboarding = enrollment.onboarding
    return None if onboarding is None else onboarding_failure(onboarding, context)


def tier_filter_accepts(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    rule = enrollment.tier.content_filter
    return None if rule is None else _rejection(rule, "tier", context)


def enrollment_filter_accepts(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    rule = enrollment.lead_filter
    return None if rule is None else _rejection(rule, "enrollment", context)


def _rejection(rule: Filter, scope: str, context: LeadContext) -> JsonObject | None:
    failure = filter_failure(rule, context)
    return None if failure is None else {"gate": "lead_filter_rejected", "scope": scope, **failure}


def within_hours(
    enrollment: CompiledEnrollment, _live: LiveFacts, _price_cents: int, context: LeadContext
) -> JsonObject | None:
    calendar = enrollment.calendar
    return None if calendar is None else calendar_failure(calendar, context)


def below_caps(
    enrollment: CompiledEnrollment, live: LiveFacts, price_cents: int, context: LeadContext
) -> JsonObject | None:
    reached = None
    for limit in enrollment.limits:
        leads, spent = _used(limit, live, context)
        if limit.leads is not None and leads >= limit.leads:
            reached = reached or []
            reached.append(_reached(limit, "leads", limit.leads, leads, context, never=limit.leads == 0))
        if limit.cents is not None and spent + price_cents > limit.cents:
            reached = reached or []
            never = price_cents > limit.cents
            reached.append(_reached(limit, "cents", limit.cents, spent, context, never=never))
    return None if reached is None else _cap_failure(reached, price_cents)


def _used(limit: Limit, live: LiveFacts, context: LeadContext) -> tuple[int, int]:
    """Return leads and cents in the current window. Counters of an earlier window have expired.

    A window that starts later than the current one still counts. A worker whose clock is behind, or a buyer that
    changed its time zone, must not use the same cap twice.
    """
    slot = limit.slot
    usage = live.usage.get(slot.window)
    if usage is None or usage[0] < context.windows[slot.index][0]:
        return 0, 0
    return usage[1], usage[2]


def _reached(
    limit: Limit, kind: str, allowed: int, used: int, context: LeadContext, *, never: bool
) -> JsonObject:
    """`never`: even an empty window does not allow this lead, so a reset does not help."""
    return {
        "window": limit.slot.window,
        "kind": kind,
        "limit": allowed,
        "used": used,
        "resets_at": None if never else context.windows[limit.slot.index][1].isoformat(),
    }


def _cap_failure(reached: list[JsonObject], price_cents: int) -> JsonObject:
    resets = [datetime.fromisoformat(each["resets_at"]) for each in reached if each["resets_at"]]
    opens = max(resets) if len(resets) == len(reached) else None
    return {
        "gate": "cap_reached",
        "required": {_limit_name(each): each["limit"] for each in reached},
        "observed": {_limit_name(each): each["used"] for each in reached},
        "fixed_at": None if opens is None else opens.isoformat(),
        "price_cents": price_cents,
        "windows": reached,
    }


def _limit_name(reached: JsonObject) -> str:
    return f"{reached['kind']} per {reached['window']}"


def has_credits(
    _enrollment: CompiledEnrollment, live: LiveFacts, price_cents: int, _context: LeadContext
) -> JsonObject | None:
    available = live.balance_cents - live.held_cents + live.credit_limit_cents
    if available >= price_cents:
        return None
    return {
        "gate": "insufficient_credits",
        "required": price_cents,
        "observed": available,
        "fixed_at": None,
        "missing_cents": price_cents - available,
    }


def not_sold_before(
    _enrollment: CompiledEnrollment, live: LiveFacts, _price_cents: int, _context: LeadContext
) -> JsonObject | None:
    if not live.has_lead:
        return None
    return {"gate": "already_has_lead", "required": False, "observed": True, "fixed_at": None}


def not_rejected_before(
    _enrollment: CompiledEnrollment, live: LiveFacts, _price_cents: int, _context: LeadContext
) -> JsonObject | None:
    if live.rejection is None:
        return None
    failure = {"gate": "rejected_lead", "required": False, "observed": True, "fixed_at": None}
    return {**failure, "reason": live.rejection}


# In the order of the funnel.
GATES: Final = (
    Gate("enrollment_paused", (enrollment_active,), is_overridable=True, is_time_bound=True),
    Gate("buyer_paused", (buyer_active,), is_overridable=True, is_time_bound=True),
    Gate("outside_service_area", (in_service_area,), is_overridable=True),
    Gate("onboarding_mismatch", (onboarding_matches,), is_overridable=True),
    Gate(
        "lead_filter_rejected",
        (tier_filter_accepts, enrollment_filter_accepts),
        is_overridable=True,
        empty_pool_reason="no_eligible_buyers_after_tier_filters",
    ),
    Gate(
        "outside_buyer_hours",
        (within_hours,),
        is_overridable=True,
        is_time_bound=True,
        has_calendar=True,
        empty_pool_reason="all_buyers_outside_hours",
    ),
    Gate(
        "cap_reached",
        (below_caps,),
        is_overridable=False,
        is_time_bound=True,
        empty_pool_reason="all_buyers_capped",
    ),
    Gate(
        "insufficient_credits",
        (has_credits,),
        is_overridable=False,
        empty_pool_reason="insufficient_credits",
    ),
    Gate("already_has_lead", (not_sold_before,), is_overridable=False),
    Gate("rejected_lead", (not_rejected_before,), is_overridable=True),
)
# A plain tuple for speed: a decision over a thousand enrollments makes ten thousand calls.
CHECKS: Final = tuple(check for gate in GATES for check in gate.checks)
GATES_BY_CODE: Final[Mapping[str, Gate]] = {gate.code: gate for gate in GATES}
STAGES: Final = tuple(gate.code for gate in GATES)


def is_overridable(failure: JsonObject) -> bool:
    """Whether a person may sell the lead in spite of this failure.

    An unreadable time zone is not overridable, because the buyer's caps could not be counted.
    """
    gate = GATES_BY_CODE[failure["gate"]]
    return gate.is_overridable and not (gate.is_time_bound and "problem" in failure)
