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
class CheckedRule:
    """One rule that was checked. `misses` says why it does not match; () for the rule that wins."""

    rule_id: int
    name: str
    wants: str
    won: bool
    destination: str
    tags: tuple[str, ...]
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class PathStep:
    """A workspace on the path. `unchecked_rules` counts the rules after the one that wins."""

    workspace: str
    is_visible: bool
    checked_rules: tuple[CheckedRule, ...]
    unchecked_rules: int


@dataclass(frozen=True, slots=True)
class RouteDryRun:
    """`destination` is the workspace that would decide the lead. `moves` counts the rules on its path."""

    destination: str
    moves: int
    path: tuple[PathStep, ...]


def dry_run_route(
    fields: Mapping[str, Any], *, workspace_id: int, visible_ids: Collection[int] | None = None
) -> RouteDryRun:
    """Follow the active rules from a workspace. Rules of workspaces outside `visible_ids` are hidden; None shows all.

    Raises RuleBroken, PathTooLong, UnknownWorkspace.
    """
    plan = read_plan(workspace_id)
    path = plan.find_path(fields, max_hops=MAX_HOPS)
    ids = [workspace_id, *(hop.rule.destination_id for hop in path)]
    names = _read_names(plan)
    steps = [
        _describe_step(each, plan, fields, names=names, is_visible=visible_ids is None or each in visible_ids)
        for each in ids
    ]
    return RouteDryRun(names[ids[-1]], len(path), tuple(steps))


def _read_names(plan: Plan) -> dict[int, str]:
    ids = {plan.workspace_id, *plan.rules}
    ids |= {rule.destination_id for found in plan.rules.values() for rule in found.rules}
    return dict(Workspace.objects.filter(pk__in=ids).values_list("pk", "name"))


def _describe_step(
    workspace_id: int, plan: Plan, fields: Mapping[str, Any], *, names: Mapping[int, str], is_visible: bool
) -> PathStep:
    rules = plan.rules.get(workspace_id, NO_RULES)
    if not is_visible:
        return PathStep(names[workspace_id], is_visible=False, checked_rules=(), unchecked_rules=0)
    tried = list(rules.try_each(fields))
    return PathStep(
        workspace=names[workspace_id],
        is_visible=True,
        checked_rules=tuple(_describe_rule(each, names=names) for each in tried),
        unchecked_rules=len(rules.rules) - len(tried),
    )


def _describe_rule(tried: Tried, *, names: Mapping[int, str]) -> CheckedRule:
    rule: Rule = tried.rule
    return CheckedRule(
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
