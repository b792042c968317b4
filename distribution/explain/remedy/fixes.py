"""The nearest fix for each gate, applied to a copy of the recorded world. Pure.

A fix changes only what its gate requires, and no price. The engine decides whether that is enough.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from distribution.engine import price_to_keep
from distribution.engine.answers import is_answered
from distribution.engine.area import Radius, county_key, lead_place, miles_beyond
from distribution.explain.remedy.relaxing import accepts, relax
from distribution.explain.remedy.world import World
from tracing import wording
from tracing.obstacles import describe_clause
from tracing.skip_reasons import Fixer

Failure = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """A failing gate and what was changed for it. `fixer`: who can change it, if not the gate's usual fixer.

    `blocked_by`: why nothing could be changed; "" if something was.
    """

    failure: Failure
    assumed: str
    fixer: Fixer | None = None
    blocked_by: str = ""


@dataclass(frozen=True, slots=True)
class NoFix:
    """No one can change what fails here. `why` completes "{buyer} cannot get this lead:"."""

    why: str


Fix = Callable[[World, Failure], tuple[World, FixOutcome]]


@dataclass(frozen=True, slots=True)
class GateFix:
    """`make` fixes a failure of the gate. `correct` replaces an unreadable part by one that accepts the lead.

    `correct` None: the gate reads no such part.
    """

    make: Fix | NoFix
    correct: Fix | None = None


def fix(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    """Return the world without this failure, or the same world and the reason if nothing can change it."""
    code = str(failure["gate"])
    row = FIXES.get(code)
    make = None if row is None else row.correct if "problem" in failure else row.make
    if make is None:
        make = NoFix(f"no fix is known for this: {describe_clause(code)}")
    if isinstance(make, NoFix):
        return world, FixOutcome(failure, "", blocked_by=make.why)
    return make(world, failure)


def _resume_enrollment(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.change_enrollment(active=True, paused_until=None), FixOutcome(
        failure, "the enrollment active"
    )


def _resume_buyer(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.change_buyer(active=True, paused_until=None), FixOutcome(failure, "the buyer active")


def _extend_area(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    area = dict(world.buyer.get("service_area") or {})
    zip_code = world.facts.lead.fields.get("zip")
    assumed = []
    if failure["excluded"] is not None:
        area["exclude"] = _without(area["exclude"], world)
        assumed.append("the exclusion removed")
    if not _covers(world):
        if isinstance(zip_code, str) and zip_code:
            area["zips"] = [*(area.get("zips") or ()), zip_code]
            assumed.append(f"{zip_code} added to its ZIPs")
        else:
            area["everywhere"] = True
            assumed.append("a service area without limits, because the ZIP of the lead is not known")
    return world.change_buyer(service_area=area), FixOutcome(failure, " and ".join(assumed))


def _covers(world: World) -> bool:
    """Whether the area includes the place, apart from its exclusions."""
    area = world.campaign.by_enrollment_id[world.enrollment_id].area
    place = lead_place(world.facts.lead)
    beyond = miles_beyond(area.include.radius, place)
    is_named = area.everywhere or not area.include.keys.isdisjoint(place.keys)
    return is_named or (beyond is not None and beyond <= 0)


def _without(exclude: Mapping[str, Any], world: World) -> dict[str, Any]:
    """The exclusions that do not apply to the lead."""
    place = lead_place(world.facts.lead)

    def misses(circle: Mapping[str, Any]) -> bool:
        beyond = miles_beyond(
            (Radius(circle["zip"], circle["miles"], circle["latitude"], circle["longitude"]),), place
        )
        return beyond is None or beyond > 0

    def county(text: str) -> str:
        state, _, name = text.partition(":")
        return f"counties:{county_key(state, name)}"

    keys: dict[str, Callable[[str], str]] = {
        "zips": "zips:{}".format,
        "zip_prefixes": "zip_prefixes:{}".format,
        "states": lambda text: f"states:{text.upper()}",
        "countries": lambda text: f"countries:{text.upper()}",
        "counties": county,
    }
    kept: dict[str, Any] = {
        kind: [each for each in exclude.get(kind) or () if key(each) not in place.keys]
        for kind, key in keys.items()
    }
    return {**exclude, **kept, "radius": [each for each in exclude.get("radius") or () if misses(each)]}


def _change_answers(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    failing = {each["question"] for each in failure["failures"]}
    answers, assumed, fixer = dict(world.buyer.get("answers") or {}), [], None
    questions = list(world.head["questions"])
    for index, question in enumerate(questions):
        key = question["key"]
        if key not in failing:
            continue
        found = _nearest_answer(question, answers.get(key), fields=world.facts.lead.fields)
        if found is None:
            # No answer accepts the lead, so the campaign's question must become optional.
            questions[index], fixer = {**question, "required": False}, Fixer.AGENCY
            assumed.append(f'"{key}" not required')
        answers[key] = found
        assumed.append(f'"{key}" answered with {wording.value(found)}' if found else f'no answer to "{key}"')
    changed = world.change_buyer(answers=answers)
    if fixer is not None:
        changed = changed.change_campaign(questions=questions)
    return changed, FixOutcome(failure, " and ".join(assumed), fixer)


def _nearest_answer(question: Mapping[str, Any], answer: Any, *, fields: Mapping[str, Any]) -> Any:
    """Return the nearest answer that accepts the lead; [] leaves an optional question blank. None: there is none."""
    observed = fields.get(question["field"])
    for candidate in _candidates(answer, observed):
        leaf = {"field": question["field"], "op": question["op"], "value": candidate}
        if is_answered(candidate) and accepts(leaf, fields=fields):
            return candidate
    return None if question.get("required") else []


def _candidates(answer: Any, observed: Any) -> list[Any]:
    seen = observed if isinstance(observed, list) else [observed]
    candidates: list[Any] = []
    if isinstance(answer, list):
        candidates += [[*answer, *seen], [each for each in answer if each not in seen]]
    candidates += [*seen, seen, observed]
    if isinstance(observed, int | float) and not isinstance(observed, bool):
        candidates += [observed + 1, observed - 1]
    return candidates


def _relax_filter(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    is_tier = failure["scope"] == "tier"
    tier = next(each for each in world.definition["tiers"] if each["id"] == world.enrollment["tier_id"])
    condition = tier["content_filter"] if is_tier else world.enrollment["lead_filter"]
    relaxed = relax(condition, fields=world.facts.lead.fields)
    whose = "its tier's filter" if is_tier else "its own filter"
    fixed = FixOutcome(failure, f"{whose}: {', '.join(relaxed.changes)}")
    if is_tier:
        return world.change_tier(content_filter=relaxed.condition), fixed
    return world.change_enrollment(lead_filter=relaxed.condition), fixed


def _open_hours(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    day, time = failure["observed"]["day"], failure["observed"]["time"]
    hours = {**world.buyer["hours"], day: [["00:00", "24:00"]]}
    return world.change_buyer(hours=hours), FixOutcome(failure, f"open {wording.WEEKDAYS[day]} at {time}")


def _raise_caps(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    caps, budgets = dict(world.enrollment.get("caps") or {}), dict(world.enrollment.get("budgets") or {})
    assumed = []
    for reached in failure["windows"]:
        window = reached["window"]
        if reached["kind"] == "leads":
            caps[window] = reached["used"] + 1
            assumed.append(f"leads per {window} {reached['limit']:,} raised to {caps[window]:,}")
        else:
            budgets[window] = reached["used"] + failure["price_cents"]
            was, now = wording.money(reached["limit"]), wording.money(budgets[window])
            assumed.append(f"budget per {window} {was} raised to {now}")
    return world.change_enrollment(caps=caps, budgets=budgets), FixOutcome(failure, " and ".join(assumed))


def _top_up(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    missing_cents = failure["missing_cents"]
    changed = world.change_live(balance_cents=world.live.balance_cents + missing_cents)
    return changed, FixOutcome(failure, f"{wording.money(missing_cents)} more in its wallet")


def _open_campaign(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.change_campaign(schedule={}), FixOutcome(failure, "the campaign open")


def _unlock(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.unlock(), FixOutcome(failure, "not busy with another lead")


def _pay_the_promise(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    """The smallest price that pays the source enough; no promise, if the contract pays less at every price."""
    promise = world.facts.promise
    cents = None if promise is None else price_to_keep(promise)
    if cents is None or cents <= _own_price(world):
        return _forget_promise(world, failure)
    return world.change_price(cents), FixOutcome(failure, f"a bid of {wording.money(cents)}")


def _own_price(world: World) -> int:
    return next(
        each.price_cents for each in world.decision.skipped if each.enrollment_id == world.enrollment_id
    )


def _forget_promise(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.forget_promise(), FixOutcome(failure, "no price promised to the source")


def _correct_area(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.change_buyer(service_area={"everywhere": True}), FixOutcome(
        failure, "its service area corrected"
    )


def _correct_answers(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    return world.change_buyer(answers={}), FixOutcome(failure, "its answers corrected")


def _correct_filter(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    if failure["scope"] == "tier":
        return world.change_tier(content_filter={}), FixOutcome(failure, "its tier's filter corrected")
    return world.change_enrollment(lead_filter={}), FixOutcome(failure, "its own filter corrected")


def _correct_hours(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    """A valid time zone stays, because caps are counted in it."""
    timezone = world.campaign.by_enrollment_id[world.enrollment_id].timezone
    changed = world.change_buyer(hours={}, timezone=timezone)
    return changed, FixOutcome(failure, "its time zone and hours corrected")


def _bid_the_reserve(world: World, failure: Failure) -> tuple[World, FixOutcome]:
    reserve_cents = world.campaign.auction.reserve_cents or 0
    return world.change_live(bid_cents=reserve_cents), FixOutcome(
        failure, f"a bid of {wording.money(reserve_cents)}"
    )


# One row for each gate, and one for each other reason why an enrollment is not ranked. `test_fixes.py` compares the
# rows with the gates of the engine.
FIXES: Final[Mapping[str, GateFix]] = {
    "outside_campaign_hours": GateFix(_open_campaign),
    "enrollment_paused": GateFix(_resume_enrollment),
    "buyer_paused": GateFix(_resume_buyer),
    "outside_service_area": GateFix(_extend_area, correct=_correct_area),
    "onboarding_mismatch": GateFix(_change_answers, correct=_correct_answers),
    "lead_filter_rejected": GateFix(_relax_filter, correct=_correct_filter),
    "outside_buyer_hours": GateFix(_open_hours, correct=_correct_hours),
    "cap_reached": GateFix(_raise_caps),
    "insufficient_credits": GateFix(_top_up),
    "already_has_lead": GateFix(NoFix("it bought this lead before, and a buyer gets a lead only once")),
    "rejected_lead": GateFix(NoFix("its system rejected this lead, and a buyer is asked only once")),
    "locked": GateFix(_unlock),
    "no_bid": GateFix(NoFix("it made no bid for it")),
    "bid_late": GateFix(NoFix("its system did not answer before the auction closed")),
    "bid_not_asked": GateFix(NoFix("its system was not asked for a bid")),
    "bid_unknown": GateFix(NoFix("no answer of its system is known")),
    "bid_below_reserve": GateFix(_bid_the_reserve),
    "below_promised_price": GateFix(_pay_the_promise),
    "promise_ended": GateFix(_forget_promise),
}
