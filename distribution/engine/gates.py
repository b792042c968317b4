"""The gates, in the order in which they name a skip. Each returns None when it passes, else its failure.

A failure is JSON: gate, required, observed, fixed_at (when time alone opens it) and what would have to
change. Parameters are positional because each gate runs once for every enrollment of every decision.
"""

from collections.abc import Callable
from datetime import datetime

from distribution.engine.area import area_failure
from distribution.engine.campaign import Enrollment, Filter, Limit
from distribution.engine.scene import (
    Scene,
    calendar_failure,
    filter_failure,
    onboarding_failure,
)
from distribution.engine.types import JsonObject, LiveFacts

Gate = Callable[[Enrollment, LiveFacts, int, Scene], JsonObject | None]

# The order of the funnel. The lead filter is one stage with two gates: the tier's and the enrollment's.
STAGES = (
    "enrollment_paused",
    "buyer_paused",
    "outside_service_area",
    "onboarding_mismatch",
    "lead_filter_rejected",
    "outside_buyer_hours",
    "cap_reached",
    "insufficient_credits",
    "already_has_lead",
)
# What a buyer or an agency wishes; a person may decide otherwise for one lead. Money, caps and doubles stay.
WISHES = frozenset(STAGES[:6])
# Time alone opens these.
TIME_BOUND = frozenset({"outside_buyer_hours", "cap_reached"})


def _paused(code: str) -> JsonObject:
    return {"gate": code, "required": "active", "observed": "paused", "fixed_at": None}


def enrollment_active(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, _scene: Scene
) -> JsonObject | None:
    return None if enrollment.enrollment_active else _paused("enrollment_paused")


def buyer_active(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, _scene: Scene
) -> JsonObject | None:
    return None if enrollment.buyer_active else _paused("buyer_paused")


def in_service_area(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, scene: Scene
) -> JsonObject | None:
    return area_failure(enrollment.area, scene.place)


def onboarding_matches(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, scene: Scene
) -> JsonObject | None:
    onboarding = enrollment.onboarding
    return None if onboarding is None else onboarding_failure(onboarding, scene)


def tier_filter_accepts(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, scene: Scene
) -> JsonObject | None:
    rule = enrollment.tier.content_filter
    return None if rule is None else _rejection(rule, "tier", scene)


def enrollment_filter_accepts(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, scene: Scene
) -> JsonObject | None:
    rule = enrollment.lead_filter
    return None if rule is None else _rejection(rule, "enrollment", scene)


def _rejection(rule: Filter, scope: str, scene: Scene) -> JsonObject | None:
    failure = filter_failure(rule, scene)
    return None if failure is None else {"gate": "lead_filter_rejected", "scope": scope, **failure}


def within_hours(
    enrollment: Enrollment, _live: LiveFacts, _price_cents: int, scene: Scene
) -> JsonObject | None:
    calendar = enrollment.calendar
    return None if calendar is None else calendar_failure(calendar, scene)


def below_caps(enrollment: Enrollment, live: LiveFacts, price_cents: int, scene: Scene) -> JsonObject | None:
    reached = None
    for limit in enrollment.limits:
        leads, spent = _used(limit, live, scene)
        if limit.leads is not None and leads >= limit.leads:
            reached = reached or []
            reached.append(_reached(limit, "leads", limit.leads, leads, scene, never=limit.leads == 0))
        if limit.cents is not None and spent + price_cents > limit.cents:
            reached = reached or []
            never = price_cents > limit.cents
            reached.append(_reached(limit, "cents", limit.cents, spent, scene, never=never))
    return None if reached is None else _cap_failure(reached, price_cents)


def _used(limit: Limit, live: LiveFacts, scene: Scene) -> tuple[int, int]:
    """Leads and cents in the current window; counts of an earlier window have run out.

    A window that starts later than the current one still counts: a worker whose clock is behind, or a
    buyer that moved its time zone west to east, must not sell the same cap twice.
    """
    slot = limit.slot
    usage = live.usage.get(slot.window)
    if usage is None or usage[0] < scene.windows[slot.index][0]:
        return 0, 0
    return usage[1], usage[2]


def _reached(limit: Limit, kind: str, allowed: int, used: int, scene: Scene, *, never: bool) -> JsonObject:
    """`never`: not even an empty window lets this lead through, so the reset changes nothing."""
    return {
        "window": limit.slot.window,
        "kind": kind,
        "limit": allowed,
        "used": used,
        "resets_at": None if never else scene.windows[limit.slot.index][1].isoformat(),
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
    _enrollment: Enrollment, live: LiveFacts, price_cents: int, _scene: Scene
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
    _enrollment: Enrollment, live: LiveFacts, _price_cents: int, _scene: Scene
) -> JsonObject | None:
    if not live.has_lead:
        return None
    return {"gate": "already_has_lead", "required": False, "observed": True, "fixed_at": None}


GATES: tuple[Gate, ...] = (
    enrollment_active,
    buyer_active,
    in_service_area,
    onboarding_matches,
    tier_filter_accepts,
    enrollment_filter_accepts,
    within_hours,
    below_caps,
    has_credits,
    not_sold_before,
)
