"""Finds the reasons why an enrollment cannot get a lead today. No form can check them field by field."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from distribution import engine
from distribution.configuration.contradictions import Demand, find_contradictions
from distribution.configuration.coverage import list_covered
from distribution.counters import counters_of
from distribution.engine import DefinitionError
from distribution.engine.answers import is_answered
from distribution.engine.area import describe_area
from distribution.models import Enrollment, is_paused
from routing.calendar.hours import HoursError, compile_hours
from routing.calendar.windows import WINDOW_KINDS, WindowKind, get_window
from routing.calendar.zones import UnknownTimezone
from routing.conditions import Condition, ConditionError, compile_condition
from routing.conditions.tree import Leaf
from routing.conditions.wording import describe_node
from tracing.wording import money


class StopCode(StrEnum):
    """What can stop an enrollment today."""

    ENROLLMENT_PAUSED = "enrollment_paused"
    ENROLLMENT_PAUSED_BY_BUYER = "enrollment_paused_by_buyer"
    BUYER_PAUSED = "buyer_paused"
    CAMPAIGN_INACTIVE = "campaign_inactive"
    WORKSPACE_PAUSED = "workspace_paused"
    AREA_INVALID = "area_invalid"
    AREA_EMPTY = "area_empty"
    CAP_ZERO = "cap_zero"
    CAP_REACHED = "cap_reached"
    BUDGET_BELOW_PRICE = "budget_below_price"
    BUDGET_SPENT = "budget_spent"
    LOW_BALANCE = "low_balance"
    HOURS_INVALID = "hours_invalid"
    CLOSED_ALWAYS = "closed_always"
    CLOSED_TODAY = "closed_today"
    CAMPAIGN_HOURS_INVALID = "campaign_hours_invalid"
    CAMPAIGN_CLOSED_ALWAYS = "campaign_closed_always"
    CAMPAIGN_CLOSED_TODAY = "campaign_closed_today"
    ANSWERS_INVALID = "answers_invalid"
    ANSWER_MISSING = "answer_missing"
    ANSWER_UNFIT = "answer_unfit"
    FILTER_INVALID = "filter_invalid"
    CONTRADICTION = "contradiction"


# For operators. The portal has its own for buyers.
SENTENCES: Final = {
    StopCode.ENROLLMENT_PAUSED: "The enrollment is paused: select Active.",
    StopCode.ENROLLMENT_PAUSED_BY_BUYER: "The buyer paused this enrollment: ask it to resume.",
    StopCode.BUYER_PAUSED: "The buyer is paused: resume it.",
    StopCode.CAMPAIGN_INACTIVE: "The campaign is not active: activate it.",
    StopCode.WORKSPACE_PAUSED: "The workspace is paused: no lead is distributed until it is resumed.",
    StopCode.AREA_INVALID: "The buyer's service area is not valid: correct it.",
    StopCode.AREA_EMPTY: (
        "The buyer's service area covers no ZIP codes: add states, counties, ZIP codes or a radius."
    ),
    StopCode.CAP_ZERO: "Its cap per {kind} is 0: raise it, or leave it blank for no cap.",
    StopCode.CAP_REACHED: "Its cap of {cap} per {kind} is reached: raise it or wait.",
    StopCode.BUDGET_BELOW_PRICE: "Its budget per {kind} is {budget}, but one lead costs {price}: raise it.",
    StopCode.BUDGET_SPENT: "Its budget of {budget} per {kind} is too low for another lead: raise it or wait.",
    StopCode.LOW_BALANCE: "Its balance is too low: {available} of {price} for one lead. Add credits.",
    StopCode.HOURS_INVALID: "The buyer's hours or time zone are not valid: correct them.",
    StopCode.CLOSED_ALWAYS: (
        "The buyer is closed all week: set its hours, or leave them empty to keep it open."
    ),
    StopCode.CLOSED_TODAY: "The buyer is closed for the rest of today: change its hours or wait.",
    StopCode.CAMPAIGN_HOURS_INVALID: "The campaign's hours or time zone are not valid: correct them.",
    StopCode.CAMPAIGN_CLOSED_ALWAYS: (
        "The campaign is closed all week: set its hours, or leave them empty to keep it open."
    ),
    StopCode.CAMPAIGN_CLOSED_TODAY: "The campaign is closed for the rest of today: change its hours or wait.",
    StopCode.ANSWERS_INVALID: "The buyer's answers are not valid: correct them.",
    StopCode.ANSWER_MISSING: "The buyer has not answered the required question “{question}”.",
    StopCode.ANSWER_UNFIT: (
        "The buyer's answer to “{question}” does not fit the question: change one of them."
    ),
    StopCode.FILTER_INVALID: "{name} is not valid: correct it.",
    StopCode.CONTRADICTION: "No lead passes {what}.",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that stops an enrollment today, with the values of its sentence."""

    code: StopCode
    values: Mapping[str, str]


class CalendarStops(NamedTuple):
    """The stops of one calendar: of the buyer, or of the campaign."""

    invalid: StopCode
    always: StopCode
    today: StopCode


OF_BUYER: Final = CalendarStops(StopCode.HOURS_INVALID, StopCode.CLOSED_ALWAYS, StopCode.CLOSED_TODAY)
OF_CAMPAIGN: Final = CalendarStops(
    StopCode.CAMPAIGN_HOURS_INVALID, StopCode.CAMPAIGN_CLOSED_ALWAYS, StopCode.CAMPAIGN_CLOSED_TODAY
)


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
    """Return one sentence for operators, with its fix, for each stop. Needs the same rows loaded as find_stops."""
    return [SENTENCES[stop.code].format(**stop.values) for stop in find_stops(enrollment, at=at)]


def find_stops(enrollment: Enrollment, *, at: datetime) -> list[Stop]:
    """Return everything that stops this enrollment today; empty if it can get a lead.

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


def _stop(code: StopCode, **values: object) -> Stop:
    return Stop(code, {name: str(value) for name, value in values.items()})


def _paused(enrollment: Enrollment, *, at: datetime) -> Iterator[Stop]:
    if not enrollment.active:
        yield _stop(StopCode.ENROLLMENT_PAUSED)
    if is_paused(enrollment, at=at):
        yield _stop(StopCode.ENROLLMENT_PAUSED_BY_BUYER)
    if is_paused(enrollment.buyer, at=at):
        yield _stop(StopCode.BUYER_PAUSED)
    if not enrollment.campaign.active:
        yield _stop(StopCode.CAMPAIGN_INACTIVE)
    if enrollment.buyer.workspace.paused_at is not None:
        yield _stop(StopCode.WORKSPACE_PAUSED)


def _area(enrollment: Enrollment) -> Iterator[Stop]:
    try:
        covered = list_covered(enrollment.buyer.service_area)
    except DefinitionError:
        yield _stop(StopCode.AREA_INVALID)
        return
    if not covered:
        yield _stop(StopCode.AREA_EMPTY)


def _price(enrollment: Enrollment) -> int:
    """The price before price rules, which depend on the lead."""
    given = (enrollment.bid_cents, enrollment.tier.price_cents)
    return next((each for each in given if each is not None), enrollment.campaign.price_cents)


def _limits(enrollment: Enrollment, *, at: datetime) -> Iterator[Stop]:
    price_cents = _price(enrollment)
    for used in read_usage(enrollment, at=at):
        kind, cap, budget_cents = used.kind, used.cap, used.budget_cents
        if cap == 0:
            yield _stop(StopCode.CAP_ZERO, kind=kind)
        elif cap is not None and kind != "hour" and used.leads >= cap:
            yield _stop(StopCode.CAP_REACHED, kind=kind, cap=cap)
        if budget_cents is None:
            continue
        budget, price = money(budget_cents), money(price_cents)
        if price_cents > budget_cents:
            yield _stop(StopCode.BUDGET_BELOW_PRICE, kind=kind, budget=budget, price=price)
        elif kind != "hour" and used.spent_cents + price_cents > budget_cents:
            yield _stop(StopCode.BUDGET_SPENT, kind=kind, budget=budget)


def _credits(enrollment: Enrollment) -> Iterator[Stop]:
    wallet, price_cents = enrollment.buyer.wallet, _price(enrollment)
    available = wallet.balance_cents - wallet.held_cents + wallet.credit_limit_cents
    if available < price_cents:
        yield _stop(StopCode.LOW_BALANCE, available=money(available), price=money(price_cents))


def _hours(enrollment: Enrollment, *, at: datetime) -> Iterator[Stop]:
    buyer, campaign = enrollment.buyer, enrollment.campaign
    yield from _closed(OF_BUYER, buyer.hours, timezone=buyer.timezone, at=at)
    yield from _closed(OF_CAMPAIGN, campaign.schedule, timezone=campaign.timezone, at=at)


def _closed(codes: CalendarStops, definition: Any, *, timezone: str, at: datetime) -> Iterator[Stop]:
    try:
        opens_at = compile_hours(definition, timezone).next_open(at)
    except (HoursError, UnknownTimezone):
        yield _stop(codes.invalid)
        return
    if opens_at is None:
        yield _stop(codes.always)
    elif opens_at >= get_window("day", at=at, tz=timezone)[1]:
        yield _stop(codes.today)


def _answers(enrollment: Enrollment) -> Iterator[Stop]:
    answers = enrollment.buyer.answers
    if not isinstance(answers, dict):
        yield _stop(StopCode.ANSWERS_INVALID)
        return
    for question in enrollment.campaign.questions:
        key, answer = question["key"], answers.get(question["key"])
        if not is_answered(answer):
            if question.get("required"):
                yield _stop(StopCode.ANSWER_MISSING, question=key)
        elif _compile_answer(question, answer) is None:
            yield _stop(StopCode.ANSWER_UNFIT, question=key)


def _compile_answer(question: Mapping[str, Any], answer: object) -> Condition | None:
    return _compile({"field": question["field"], "op": question["op"], "value": answer})


def _compile(condition: object) -> Condition | None:
    try:
        return compile_condition(condition)
    except ConditionError:
        return None


def _filters(enrollment: Enrollment) -> Iterator[Stop]:
    for name, condition in _list_filters(enrollment):
        if _compile(condition) is None:
            yield _stop(StopCode.FILTER_INVALID, name=name)


def _contradictions(enrollment: Enrollment) -> Iterator[Stop]:
    for clash in find_contradictions(list(_list_demands(enrollment))):
        named = [f"{each.name} ({each.words})" for each in clash]
        if len(named) == 1:
            yield _stop(StopCode.CONTRADICTION, what=f"{named[0]}: change it")
        else:
            both = "both" if len(named) == 2 else "all of"
            what = f"{both} {', '.join(named[:-1])} and {named[-1]}: change one of them"
            yield _stop(StopCode.CONTRADICTION, what=what)


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
