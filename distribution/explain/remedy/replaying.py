"""Decides one missed lead again as if an enrollment had been set up otherwise. Pure.

Leads are replayed in order, and each has to get by with what those before it would have used up: balance, caps and
budgets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from distribution.engine import CompiledCampaign, DecisionFacts, LiveFacts, Usage, consume, decide
from distribution.explain.remedy.world import Definition, World
from routing.calendar.windows import WINDOW_KINDS, window_start


@dataclass(frozen=True, slots=True)
class SettingChanges:
    """New values by the key of the definition. `enrollments` by the campaign's id."""

    buyer: Mapping[str, Any] = field(default_factory=dict)
    enrollments: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class UsedUp:
    """What the leads that were won so far would have used, in all campaigns and by enrollment and window."""

    spent_cents: int = 0
    usage: dict[int, dict[str, Usage]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replayed:
    """`reason`: why the enrollment still does not get the lead; "" if it wins it for `price_cents`.

    A lead that the enrollment would have been shown is not won: nobody knows whether it would have claimed it.
    """

    reason: str
    price_cents: int


def change_world(world: World, changes: SettingChanges, *, campaign_id: int) -> World:
    """Apply the changes to a copy of the definition."""
    changed = world.change_buyer(**changes.buyer) if changes.buyer else world
    own = dict(changes.enrollments.get(campaign_id, {}))
    for group in ("caps", "budgets"):
        if group in own:
            own[group] = {**(changed.enrollment.get(group) or {}), **own[group]}
    return changed.change_enrollment(**own) if own else changed


def find_enrollment(definition: Definition, *, buyer_id: int) -> int | None:
    found = (row["id"] for row in definition["enrollments"] if row["buyer_id"] == buyer_id)
    return next(found, None)


def replay(
    campaign: CompiledCampaign, facts: DecisionFacts, *, enrollment_id: int, used_up: UsedUp
) -> Replayed:
    """Decide, and add what a win uses to `used_up`. Raises FactsError if the facts do not fit."""
    timezone = campaign.by_enrollment_id[enrollment_id].timezone
    live = _without(facts.live[enrollment_id], used_up, enrollment_id, at_facts=facts, timezone=timezone)
    decision = decide(campaign, replace(facts, live={**facts.live, enrollment_id: live}))
    won = next((each for each in decision.selected if each.enrollment_id == enrollment_id), None)
    if any(each.enrollment_id == enrollment_id for each in decision.offered):
        return Replayed("offer_not_claimed", 0)
    if won is None:
        skip = next((each for each in decision.skipped if each.enrollment_id == enrollment_id), None)
        verdict = decision.verdict.reason if decision.verdict else "outranked"
        return Replayed(skip.reason if skip else verdict, skip.price_cents if skip else 0)
    used_up.spent_cents += won.price_cents
    before = used_up.usage.get(enrollment_id, {})
    used_up.usage[enrollment_id] = consume(
        before, at=facts.at, timezone=timezone, price_cents=won.price_cents
    )
    return Replayed("", won.price_cents)


def _without(
    live: LiveFacts, used_up: UsedUp, enrollment_id: int, *, at_facts: DecisionFacts, timezone: str
) -> LiveFacts:
    more = used_up.usage.get(enrollment_id, {})
    usage: dict[str, Usage] = {
        kind: _add(live.usage.get(kind), more.get(kind), window_start(kind, at_facts.at, timezone))
        for kind in WINDOW_KINDS
    }
    return replace(live, balance_cents=live.balance_cents - used_up.spent_cents, usage=usage)


def _add(recorded: Usage | None, more: Usage | None, starts_at: Any) -> Usage:
    """Counters of an earlier window have expired. A recorded one that starts later still counts."""
    begin, leads, spent = recorded if recorded is not None and recorded[0] >= starts_at else (starts_at, 0, 0)
    if more is None or more[0] != starts_at:
        return begin, leads, spent
    return begin, leads + more[1], spent + more[2]
