"""What all enrollments of one decision share, computed once: prices, windows, hours, filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from distribution.engine.area import LeadPlace, lead_place
from distribution.engine.campaign import Calendar, CompiledCampaign, Filter, Onboarding, WindowSlot
from distribution.engine.types import DecisionFacts, JsonObject, TierPrice, unreadable
from distribution.engine.verification import price_percent
from routing.calendar.hours import WEEKDAYS
from routing.calendar.windows import get_window
from routing.conditions import shorten


@dataclass(frozen=True, slots=True)
class LeadContext:
    """The memos are keyed by compiled object, since equal filters, answers and hours are one object."""

    at: datetime
    fields: Mapping[str, Any]
    place: LeadPlace
    tier_cents: tuple[int, ...]
    price_percent: int  # of an own bid that the enrollment has, what it costs
    windows: tuple[tuple[datetime, datetime], ...]  # start and end, by WindowSlot.index
    filter_memo: dict[Filter, JsonObject | None]
    onboarding_memo: dict[Onboarding, JsonObject | None]
    calendar_memo: dict[Calendar, JsonObject | None]


def build_context(
    campaign: CompiledCampaign, *, facts: DecisionFacts, prices: tuple[TierPrice, ...]
) -> LeadContext:
    return LeadContext(
        at=facts.at,
        fields=facts.lead.fields,
        place=lead_place(facts.lead),
        tier_cents=tuple(price.price_cents for price in prices),
        price_percent=price_percent(campaign, facts.lead),
        windows=tuple(_current_window(campaign, slot=slot, at=facts.at) for slot in campaign.window_slots),
        filter_memo={},
        onboarding_memo={},
        calendar_memo={},
    )


def _current_window(
    campaign: CompiledCampaign, *, slot: WindowSlot, at: datetime
) -> tuple[datetime, datetime]:
    """Windows are contiguous and do not overlap, so the last decision's window is valid until it ends."""
    known = campaign.recent_windows.get(slot.index)
    if known is None or not known[0] <= at < known[1]:
        known = campaign.recent_windows[slot.index] = get_window(slot.window, at=at, tz=slot.timezone)
    return known


def filter_failure(rule: Filter, context: LeadContext) -> JsonObject | None:
    """Return the failure without gate and scope, because tiers and enrollments may share a filter."""
    try:
        return context.filter_memo[rule]
    except KeyError:
        failure = context.filter_memo[rule] = _explain_filter(rule, context.fields)
        return failure


def onboarding_failure(onboarding: Onboarding, context: LeadContext) -> JsonObject | None:
    try:
        return context.onboarding_memo[onboarding]
    except KeyError:
        failure = context.onboarding_memo[onboarding] = _explain_onboarding(onboarding, context.fields)
        return failure


def calendar_failure(calendar: Calendar, context: LeadContext) -> JsonObject | None:
    try:
        return context.calendar_memo[calendar]
    except KeyError:
        failure = context.calendar_memo[calendar] = _explain_calendar(calendar, context.at)
        return failure


def _explain_filter(rule: Filter, fields: Mapping[str, Any]) -> JsonObject | None:
    if rule.condition.matches(fields):
        return None
    if rule.problem is not None:
        return unreadable("lead_filter_rejected", rule.problem)
    leaves = rule.condition.failures(fields)
    observed = {leaf["field"]: leaf["observed"] for leaf in leaves}
    return {"required": rule.required, "observed": observed, "fixed_at": None, "failures": leaves}


def _explain_onboarding(onboarding: Onboarding, fields: Mapping[str, Any]) -> JsonObject | None:
    if onboarding.problem is not None:
        return unreadable("onboarding_mismatch", onboarding.problem)
    failing = [each for each in onboarding.questions if not each.condition.matches(fields)]
    if not failing and not onboarding.unanswered:
        return None
    failures: list[JsonObject] = [
        {"question": key, "field": None, "op": None, "required": "an answer", "observed": None}
        for key in onboarding.unanswered
    ]
    failures.extend(
        {"question": each.key, "field": each.field, "op": each.op, "required": each.answer}
        | {"observed": shorten(fields.get(each.field)), "may_be_open": each.may_be_open}
        for each in failing
    )
    return {
        "gate": "onboarding_mismatch",
        "required": {failure["question"]: failure["required"] for failure in failures},
        "observed": {failure["question"]: failure["observed"] for failure in failures},
        "fixed_at": None,
        "failures": failures,
    }


def _explain_calendar(calendar: Calendar, at: datetime) -> JsonObject | None:
    """`required` has the hours of the lead's weekday only. The snapshot has the whole week."""
    if calendar.problem is not None:
        return unreadable("outside_buyer_hours", calendar.problem)
    if calendar.hours.is_open(at):
        return None
    opens = calendar.hours.next_open(at)
    opens_at = None if opens is None else opens.isoformat()
    local = at.astimezone(ZoneInfo(calendar.timezone))
    day = WEEKDAYS[local.weekday()]
    return {
        "gate": "outside_buyer_hours",
        "required": {"day": day, "open": calendar.definition.get(day, [])},
        "observed": {"day": day, "time": local.strftime("%H:%M"), "timezone": calendar.timezone},
        "fixed_at": opens_at,
        "opens_at": opens_at,
    }
