"""Why an enrolment would get nothing today, whatever lead came: what its forms cannot say field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from distribution.coverage import measure_coverage
from distribution.engine import DefinitionError
from distribution.locating import UnknownZip
from distribution.models import Enrollment
from routing.conditions import compile_condition
from routing.hours import compile_hours
from routing.windows import WINDOW_KINDS, WindowKind, get_window
from tracing.wording import money

# What a condition's field is called, and where the campaign fixes it for all its leads.
FIXED: Final = {"vertical": "vertical"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What an enrolment took in the present window of a kind. No cap or budget: None."""

    kind: WindowKind
    leads: int
    cap: int | None
    spent_cents: int
    budget_cents: int | None


def read_usage(enrollment: Enrollment, *, at: datetime) -> Sequence[Usage]:
    """By hour, day, week and month of the buyer's clock. Wants `buyer` loaded."""
    return [_usage(enrollment, kind, at=at) for kind in WINDOW_KINDS]


def _usage(enrollment: Enrollment, kind: WindowKind, *, at: datetime) -> Usage:
    """The counters are those of the window in which it was last served: in a later one nothing is used."""
    starts_at = getattr(enrollment, f"{kind}_starts_at")
    is_present = (
        starts_at is not None and starts_at >= get_window(kind, at=at, tz=enrollment.buyer.timezone)[0]
    )
    return Usage(
        kind=kind,
        leads=getattr(enrollment, f"{kind}_leads") if is_present else 0,
        cap=getattr(enrollment, f"cap_{kind}"),
        spent_cents=getattr(enrollment, f"{kind}_spent_cents") if is_present else 0,
        budget_cents=getattr(enrollment, f"budget_{kind}_cents"),
    )


def why_nothing_today(enrollment: Enrollment, *, at: datetime) -> list[str]:
    """One sentence each, the fix in it; empty when some lead could be sold to it today.

    Wants `buyer__wallet`, `buyer__workspace`, `campaign` and `tier` loaded.
    """
    return [
        *_paused(enrollment),
        *_area(enrollment),
        *_limits(enrollment, at=at),
        *_credits(enrollment),
        *_hours(enrollment, at=at),
        *_answers(enrollment),
        *_filters(enrollment),
    ]


def _paused(enrollment: Enrollment) -> Iterator[str]:
    if not enrollment.active:
        yield "The enrolment is paused: tick Active."
    if enrollment.buyer.paused_at is not None:
        yield "The buyer is paused: clear its pause."
    if not enrollment.campaign.active:
        yield "The campaign is not active: activate it."
    if enrollment.buyer.workspace.paused_at is not None:
        yield "The workspace is paused: nothing is distributed until it is resumed."


def _area(enrollment: Enrollment) -> Iterator[str]:
    try:
        zips = measure_coverage(enrollment.buyer.service_area).zips
    except (DefinitionError, UnknownZip):
        yield "The buyer's service area cannot be read: mend it."
        return
    if zips == 0:
        yield "The buyer's service area covers no ZIP: name states, counties, ZIPs or a circle."


def _price(enrollment: Enrollment) -> int:
    """Before price rules, which depend on the lead."""
    given = (enrollment.bid_cents, enrollment.tier.price_cents)
    return next((each for each in given if each is not None), enrollment.campaign.price_cents)


def _limits(enrollment: Enrollment, *, at: datetime) -> Iterator[str]:
    price_cents = _price(enrollment)
    for used in read_usage(enrollment, at=at):
        kind, cap, budget_cents = used.kind, used.cap, used.budget_cents
        if cap == 0:
            yield f"Its cap a {kind} is 0: raise it, or leave it blank for none."
        elif cap is not None and kind != "hour" and used.leads >= cap:
            yield f"Its cap of {cap} a {kind} is used up: raise it or wait."
        if budget_cents is not None and price_cents > budget_cents:
            yield f"Its budget a {kind} is {money(budget_cents)}, one lead costs {money(price_cents)}: raise it."
        elif budget_cents is not None and kind != "hour" and used.spent_cents + price_cents > budget_cents:
            yield f"Its budget of {money(budget_cents)} a {kind} is used up: raise it or wait."


def _credits(enrollment: Enrollment) -> Iterator[str]:
    wallet, price_cents = enrollment.buyer.wallet, _price(enrollment)
    available = wallet.balance_cents - wallet.held_cents + wallet.credit_limit_cents
    if available < price_cents:
        yield f"Its wallet has {money(available)}, one lead costs {money(price_cents)}: top it up."


def _hours(enrollment: Enrollment, *, at: datetime) -> Iterator[str]:
    calendars = (
        ("The buyer is", enrollment.buyer.hours, enrollment.buyer.timezone),
        ("The campaign is", enrollment.campaign.schedule, enrollment.campaign.timezone),
    )
    for who, definition, timezone in calendars:
        opens_at = compile_hours(definition, timezone).next_open(at)
        if opens_at is None:
            yield f"{who} closed all week: give it hours, or leave them empty for always."
        elif opens_at >= get_window("day", at=at, tz=timezone)[1]:
            yield f"{who} closed for the rest of today: change its hours or wait."


def _answers(enrollment: Enrollment) -> Iterator[str]:
    for question in enrollment.campaign.questions:
        if question.get("required") and question["key"] not in enrollment.buyer.answers:
            yield f"The buyer has not answered the required question “{question['key']}”."


def _filters(enrollment: Enrollment) -> Iterator[str]:
    fixed = {
        field: getattr(enrollment.campaign, column)
        for field, column in FIXED.items()
        if getattr(enrollment.campaign, column)
    }
    for name, condition in (
        ("tier's", enrollment.tier.content_filter),
        ("enrolment's", enrollment.lead_filter),
    ):
        if any(not part.matches(fixed) for part in _parts(condition) if part.fields <= fixed.keys()):
            what = ", ".join(f"{field} {value}" for field, value in fixed.items())
            yield f"The {name} filter refuses every lead of the campaign ({what}): change one of them."


def _parts(condition: Mapping[str, Any]) -> Iterator[Any]:
    """What must hold each for itself: the members of an outer `all`."""
    for each in (
        condition["all"] if isinstance(condition, dict) and set(condition) == {"all"} else [condition]
    ):
        compiled = compile_condition(each)
        if compiled.fields:
            yield compiled
