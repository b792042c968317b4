"""Shows which current rules a lead would be checked against and which one would win, in each workspace. Reads only.

The fields come from a stored lead or from a form.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.conditions import describe_leaf
from routing.models import Workspace
from routing.models.rule_triggers import MAX_HOPS
from routing.rules.plans import read_plan
from routing.rules.ruleset import NO_RULES, Plan, Rule, Tried
from tracing import wording


@dataclass(frozen=True, slots=True)
class Miss:
    """A comparison that made a rule false."""

    required: str
    observed: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule that was checked. `misses` says why it does not match; () for the rule that wins."""

    rule_id: int
    name: str
    wants: str
    won: bool
    destination: str
    tags: tuple[str, ...]
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Station:
    """A workspace on the path. `not_asked` counts the rules after the one that wins."""

    workspace: str
    is_visible: bool
    asked: tuple[Asked, ...]
    not_asked: int


@dataclass(frozen=True, slots=True)
class Trial:
    """`destination` is the workspace that would decide the lead. `moves` counts the rules on its path."""

    destination: str
    moves: int
    stations: tuple[Station, ...]


def try_route(
    fields: Mapping[str, Any], *, workspace_id: int, visible_ids: Collection[int] | None = None
) -> Trial:
    """Follow the active rules from a workspace. Rules of workspaces outside `visible_ids` are hidden; None shows all.

    Raises RuleBroken, PathTooLong, UnknownWorkspace.
    """
    plan = read_plan(workspace_id)
    path = plan.find_path(fields, max_hops=MAX_HOPS)
    ids = [workspace_id, *(hop.rule.destination_id for hop in path)]
    names = _read_names(plan)
    stations = [
        _describe_station(
            each, plan, fields, names=names, is_visible=visible_ids is None or each in visible_ids
        )
        for each in ids
    ]
    return Trial(names[ids[-1]], len(path), tuple(stations))


def _read_names(plan: Plan) -> dict[int, str]:
    ids = {plan.workspace_id, *plan.rules}
    ids |= {rule.destination_id for found in plan.rules.values() for rule in found.rules}
    return dict(Workspace.objects.filter(pk__in=ids).values_list("pk", "name"))


def _describe_station(
    workspace_id: int, plan: Plan, fields: Mapping[str, Any], *, names: Mapping[int, str], is_visible: bool
) -> Station:
    rules = plan.rules.get(workspace_id, NO_RULES)
    if not is_visible:
        return Station(names[workspace_id], is_visible=False, asked=(), not_asked=0)
    tried = list(rules.try_each(fields))
    return Station(
        workspace=names[workspace_id],
        is_visible=True,
        asked=tuple(_describe_rule(each, names=names) for each in tried),
        not_asked=len(rules.rules) - len(tried),
    )


def _describe_rule(tried: Tried, *, names: Mapping[int, str]) -> Asked:
    rule: Rule = tried.rule
    return Asked(
        rule_id=rule.id,
        name=rule.name,
        wants=rule.condition.describe(),
        won=tried.won,
        destination=names[rule.destination_id],
        tags=rule.tags,
        misses=tuple(_describe_misses(tried.failures)),
    )


def _describe_misses(failures: Sequence[Mapping[str, Any]]) -> list[Miss]:
    return [
        Miss(
            required=describe_leaf(field=each["field"], op=each["op"], value=each["required"]),
            observed="no value" if each["observed"] is None else wording.value(each["observed"]),
        )
        for each in failures
    ]
