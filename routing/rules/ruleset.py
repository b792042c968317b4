"""Evaluates routing rules. Pure: takes compiled rules and fields.

The first rule that matches wins; if none matches, the lead stays. A condition on a missing field does not match.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from routing.conditions import Condition, ConditionError, Fields, compile_condition


@dataclass(frozen=True, slots=True)
class Rule:
    id: int
    name: str
    destination_id: int
    tags: tuple[str, ...]
    condition: Condition


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a lead: the rule that moved it, and the workspace it left."""

    workspace_id: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Tried:
    """An evaluated rule. `failures` are the comparisons that made it false; [] for the rule that won."""

    rule: Rule
    won: bool
    failures: list[dict[str, Any]]


class RuleBroken(ValueError):
    """A stored rule does not compile. No lead of its workspace can be routed until someone corrects it."""

    def __init__(self, rule_id: int, error: ConditionError) -> None:
        super().__init__(f"routing rule {rule_id}: {error}")
        self.rule_id = rule_id


class PathTooLong(RuntimeError):
    """A path has more rules than the database allows."""


class RuleSet:
    """The active rules of one workspace, in order of evaluation."""

    __slots__ = ("_pairs", "rules")

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        # Flat pairs: two attribute lookups per rule would take half of the time.
        self._pairs = tuple((rule.condition.matches, rule) for rule in self.rules)

    def find(self, fields: Fields) -> Rule | None:
        """Return the first rule that matches, or None."""
        for matches, rule in self._pairs:
            if matches(fields):
                return rule
        return None

    def try_each(self, fields: Fields) -> Iterator[Tried]:
        """Evaluate the rules up to the one that wins, and explain why the ones before it did not."""
        for rule in self.rules:
            tried = Tried(rule, rule.condition.matches(fields), rule.condition.failures(fields))
            yield tried
            if tried.won:
                return


class BrokenRules(RuleSet):
    """The rules of a workspace with a rule that does not compile. Only leads that reach it fail."""

    __slots__ = ("_error",)

    def __init__(self, error: RuleBroken) -> None:
        super().__init__()
        self._error = error

    def find(self, fields: Fields) -> Rule | None:  # noqa: ARG002 - the same for every lead
        """Raises RuleBroken."""
        raise self._error.with_traceback(None)


NO_RULES: Final = RuleSet()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every rule that can apply to a lead from `workspace_id`, at that workspace's `version`."""

    workspace_id: int
    version: int
    rules: Mapping[int, RuleSet]

    def find_path(self, fields: Fields, *, max_hops: int) -> tuple[Hop, ...]:
        """Follow the rules from workspace to workspace. Raises PathTooLong, RuleBroken."""
        path: list[Hop] = []
        here = self.workspace_id
        while (rule := self.rules.get(here, NO_RULES).find(fields)) is not None:
            if len(path) == max_hops:
                message = f"more than {max_hops} rules in a row, from workspace {self.workspace_id}"
                raise PathTooLong(message)
            path.append(Hop(here, rule))
            here = rule.destination_id
        return tuple(path)


def compile_rules(rows: Iterable[Mapping[str, Any]]) -> RuleSet:
    """`rows` are in order of evaluation: id, name, destination_id, tags, conditions. Never raises."""
    try:
        return RuleSet(_compile(row) for row in rows)
    except RuleBroken as error:
        return BrokenRules(error)


def _compile(row: Mapping[str, Any]) -> Rule:
    try:
        condition = compile_condition(row["conditions"])
    except ConditionError as error:
        raise RuleBroken(row["id"], error) from error
    return Rule(row["id"], row["name"], row["destination_id"], tuple(row["tags"]), condition)
