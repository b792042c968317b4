"""Finds the reasons why an enrollment cannot get a lead today. No form can check them field by field."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from distribution import engine
from distribution.configuration.contradictions import Demand, find_contradictions
from distribution.configuration.coverage import list_covered
from distribution.counters import counters_of
from distribution.engine import DefinitionError
from distribution.engine.answers import is_answered
from distribution.engine.area import describe_area
from distribution.models import Buyer, Enrollment, is_paused
from routing.calendar.hours import HoursError, compile_hours
from routing.calendar.windows import WINDOW_KINDS, WindowKind, get_window
from routing.calendar.zones import UnknownTimezone
from routing.conditions import Condition, ConditionError, compile_condition
from routing.conditions.tree import Leaf
from routing.conditions.wording import describe_node
from tracing.wording import moment, money

UNREADABLE_HOURS: Final = {
    "The buyer is": "The buyer's hours or time zone",
    "The campaign is": "The campaign's hours or time zone",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What an enrollment bought in the current window of one kind. None: no cap or budget."""

    kind: WindowKind
    leads: int
    cap: int | None
    spent_cents: int
    budget_cents: int | None


def read_usage(enrollment: Enrollment, *, at: datetime) -> Sequence[Usage]:
    """Usage by hour, day, week and month in the buyer's time zone; 0 if that is invalid. Needs `buyer` loaded."""
    try:
        counted = counters_of(enrollment)
    except UnknownTimezone:
        counted = {}
    return [_usage(enrollment, kind, counted.get(kind), at=at) for kind in WINDOW_KINDS]


def _usage(enrollment: Enrollment, kind: WindowKind, counted: engine.Usage | None, *, at: datetime) -> Usage:
    """The counters belong to the window of the last sale. In a later window, they count as 0."""
    is_present = (
        counted is not None and counted[0] >= get_window(kind, at=at, tz=enrollment.buyer.timezone)[0]
    )
    return Usage(
        kind=kind,
        leads=getattr(enrollment, f"{kind}_leads") if is_present else 0,
        cap=getattr(enrollment, f"cap_{kind}"),
        spent_cents=getattr(enrollment, f"{kind}_spent_cents") if is_present else 0,
        budget_cents=getattr(enrollment, f"budget_{kind}_cents"),
    )


def describe_obstacles(enrollment: Enrollment, *, at: datetime) -> list[str]:
    """Return one sentence with its fix for each obstacle; empty if the enrollment can get a lead today.

    Needs `buyer__wallet`, `buyer__workspace`, `campaign` and `tier` loaded.
    """
    return [
        *_paused(enrollment, at=at),
        *_area(enrollment),
        *_limits(enrollment, at=at),
        *_credits(enrollment),
        *_hours(enrollment, at=at),
        *_answers(enrollment),
        *_filters(enrollment),
        *_contradictions(enrollment),
    ]


def _paused(enrollment: Enrollment, *, at: datetime) -> Iterator[str]:
    if not enrollment.active:
        yield "The enrollment is paused: select Active."
    if is_paused(enrollment, at=at):
        yield f"The buyer paused this enrollment{_until(enrollment)}: ask it to resume, or wait."
    if is_paused(enrollment.buyer, at=at):
        yield f"The buyer is paused{_until(enrollment.buyer)}: resume it."
    if not enrollment.campaign.active:
        yield "The campaign is not active: activate it."
    if enrollment.buyer.workspace.paused_at is not None:
        yield "The workspace is paused: no lead is distributed until it is resumed."


def _until(paused: Buyer | Enrollment) -> str:
    return "" if paused.paused_until is None else f" until {moment(paused.paused_until)}"


def _area(enrollment: Enrollment) -> Iterator[str]:
    try:
        covered = list_covered(enrollment.buyer.service_area)
    except DefinitionError:
        yield "The buyer's service area is not valid: correct it."
        return
    if not covered:
        yield "The buyer's service area covers no ZIP codes: add states, counties, ZIP codes or a radius."


def _price(enrollment: Enrollment) -> int:
    """The price before price rules, which depend on the lead."""
    given = (enrollment.bid_cents, enrollment.tier.price_cents)
    return next((each for each in given if each is not None), enrollment.campaign.price_cents)


def _limits(enrollment: Enrollment, *, at: datetime) -> Iterator[str]:
    price_cents = _price(enrollment)
    for used in read_usage(enrollment, at=at):
        kind, cap, budget_cents = used.kind, used.cap, used.budget_cents
        if cap == 0:
            yield f"Its cap per {kind} is 0: raise it, or leave it blank for no cap."
        elif cap is not None and kind != "hour" and used.leads >= cap:
            yield f"Its cap of {cap} per {kind} is reached: raise it or wait."
        if budget_cents is not None and price_cents > budget_cents:
            yield f"Its budget per {kind} is {money(budget_cents)}, but one lead costs {money(price_cents)}: raise it."
        elif budget_cents is not None and kind != "hour" and used.spent_cents + price_cents > budget_cents:
            yield f"Its budget of {money(budget_cents)} per {kind} is too low for another lead: raise it or wait."


def _credits(enrollment: Enrollment) -> Iterator[str]:
    wallet, price_cents = enrollment.buyer.wallet, _price(enrollment)
    available = wallet.balance_cents - wallet.held_cents + wallet.credit_limit_cents
    if available < price_cents:
        yield f"Its balance is too low: {money(available)} of {money(price_cents)} for one lead. Add credits."


def _hours(enrollment: Enrollment, *, at: datetime) -> Iterator[str]:
    calendars = (
        ("The buyer is", enrollment.buyer.hours, enrollment.buyer.timezone),
        ("The campaign is", enrollment.campaign.schedule, enrollment.campaign.timezone),
    )
    for who, definition, timezone in calendars:
        try:
            opens_at = compile_hours(definition, timezone).next_open(at)
        except (HoursError, UnknownTimezone):
            yield f"{UNREADABLE_HOURS[who]} are not valid: correct them."
            continue
        if opens_at is None:
            yield f"{who} closed all week: set its hours, or leave them empty to keep it open."
        elif opens_at >= get_window("day", at=at, tz=timezone)[1]:
            yield f"{who} closed for the rest of today: change its hours or wait."


def _answers(enrollment: Enrollment) -> Iterator[str]:
    answers = enrollment.buyer.answers
    if not isinstance(answers, dict):
        yield "The buyer's answers are not valid: correct them."
        return
    for question in enrollment.campaign.questions:
        key, answer = question["key"], answers.get(question["key"])
        if not is_answered(answer):
            if question.get("required"):
                yield f"The buyer has not answered the required question “{key}”."
        elif _compile_answer(question, answer) is None:
            yield f"The buyer's answer to “{key}” does not fit the question: change one of them."


def _compile_answer(question: Mapping[str, Any], answer: object) -> Condition | None:
    return _compile({"field": question["field"], "op": question["op"], "value": answer})


def _compile(condition: object) -> Condition | None:
    try:
        return compile_condition(condition)
    except ConditionError:
        return None


def _filters(enrollment: Enrollment) -> Iterator[str]:
    for name, condition in _list_filters(enrollment):
        if _compile(condition) is None:
            yield f"{name} is not valid: correct it."


def _contradictions(enrollment: Enrollment) -> Iterator[str]:
    for clash in find_contradictions(list(_list_demands(enrollment))):
        named = [f"{each.name} ({each.words})" for each in clash]
        if len(named) == 1:
            yield f"No lead passes {named[0]}: change it."
        else:
            both = "both" if len(named) == 2 else "all of"
            yield f"No lead passes {both} {', '.join(named[:-1])} and {named[-1]}: change one of them."


def _list_demands(enrollment: Enrollment) -> Iterator[Demand]:
    """Yield what any lead must pass to be sold here. Unreadable parts are left out."""
    campaign, buyer = enrollment.campaign, enrollment.buyer
    fixed = {"vertical": campaign.vertical, "source": campaign.source.name if campaign.source else ""}
    for field, value in fixed.items():
        if value:
            leaf = Leaf(field, "eq", value, negated=False)
            yield Demand(f"the campaign's {field}", describe_node(leaf), [leaf])
    conditions = [(name, _compile(condition)) for name, condition in _list_filters(enrollment)]
    for question in campaign.questions:
        answer = buyer.answers.get(question["key"]) if isinstance(buyer.answers, dict) else None
        if is_answered(answer):
            conditions.append((f"The answer to “{question['key']}”", _compile_answer(question, answer)))
    for name, condition in conditions:
        if condition is not None and condition.fields:
            yield Demand(name[0].lower() + name[1:], condition.describe(), [condition.root.node])
    with suppress(DefinitionError):
        if list_covered(buyer.service_area):
            yield Demand("the buyer's area", describe_area(buyer.service_area), area=buyer.service_area)


def _list_filters(enrollment: Enrollment) -> Iterator[tuple[str, object]]:
    yield "The tier's filter", enrollment.tier.content_filter
    yield "The enrollment's filter", enrollment.lead_filter
