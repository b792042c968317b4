"""Checks a condition and collects every problem with its path and the way to fix it."""

import difflib
import re
from collections.abc import Iterator
from itertools import islice

from routing.conditions.correction import find_literal_problem
from routing.conditions.fields import KIND_TYPES, KnownFields
from routing.conditions.operators import OPERATORS
from routing.conditions.tree import build_tree, is_never_true

MAX_DEPTH = 10
MAX_LEAVES = 200
MAX_PROBLEMS = 50
FIELD_NAME = re.compile(r"[A-Za-z0-9_]{1,64}(\.[A-Za-z0-9_]{1,64}){0,9}")
GROUP_KEYS = ("all", "any", "not")
LEAF_KEYS = ("field", "op", "value")

Problem = tuple[str, str]  # path, message


class ConditionError(ValueError):
    """The condition is malformed. `problems` holds (path, message) pairs; the path of the whole is ""."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.lines = [f"{path}: {message}" if path else message for path, message in problems]
        super().__init__("; ".join(self.lines))


def validate(condition: object, *, fields: KnownFields | None) -> None:
    """Raise ConditionError with all problems. `fields` None accepts any well-formed field name."""
    checker = _Checker(fields)
    problems = list(islice(checker.check(condition, path="", depth=1), MAX_PROBLEMS))
    if checker.leaf_count > MAX_LEAVES:
        problems.append(
            ("", f"has {checker.leaf_count} comparisons, but at most {MAX_LEAVES} are allowed: use `in`")
        )
    if not problems and is_never_true(build_tree(condition)):
        problems.append(("", "can never match, because it negates an empty condition: remove that `not`"))
    if problems:
        raise ConditionError(problems)


class _Checker:
    def __init__(self, fields: KnownFields | None) -> None:
        self.fields = fields
        self.leaf_count = 0

    def check(self, node: object, *, path: str, depth: int) -> Iterator[Problem]:
        if node is None or node == {}:
            return
        if depth > MAX_DEPTH:
            yield path, f"is nested deeper than {MAX_DEPTH} levels: flatten the groups"
        elif not isinstance(node, dict):
            yield path, 'must be an object like {"field": "state", "op": "eq", "value": "GA"}'
        elif not any(key in node for key in GROUP_KEYS):
            self.leaf_count += 1
            yield from self.check_leaf(node, path=path)
        elif len(node) != 1:
            yield path, f"mixes {', '.join(map(repr, node))}: put each in its own object"
        else:
            yield from self.check_group(node, path=path, depth=depth)

    def check_group(self, node: dict[str, object], *, path: str, depth: int) -> Iterator[Problem]:
        [(kind, members)] = node.items()
        here = _join(path, kind)
        if kind == "not":
            yield from self.check(members, path=here, depth=depth + 1)
        elif not isinstance(members, list):
            yield here, "must be a list of conditions: put it into [ ]"
        elif kind == "any" and not members:
            yield here, "needs at least one condition; to match every lead use {}"
        else:
            for index, member in enumerate(members):
                yield from self.check(member, path=f"{here}[{index}]", depth=depth + 1)

    def check_leaf(self, node: dict[str, object], *, path: str) -> Iterator[Problem]:
        for key in node:
            if key not in LEAF_KEYS:
                allowed = ", ".join((*GROUP_KEYS, *LEAF_KEYS))
                yield _join(path, str(key)), f"unknown key: remove it or use one of {allowed}"
        field, op, value = node.get("field"), node.get("op"), node.get("value")
        if problem := self.find_field_problem(field):
            yield _join(path, "field"), problem
        if not isinstance(op, str) or op not in OPERATORS:
            yield _join(path, "op"), _describe_unknown_operator(op)
        elif problem := OPERATORS[op].check(value) or self.find_kind_problem(field, value, op=op):
            yield _join(path, "value"), problem

    def find_field_problem(self, field: object) -> str | None:
        if not isinstance(field, str) or not FIELD_NAME.fullmatch(field):
            return "must be a field name like state or attributes.roof_age (letters, digits, _ and dots)"
        return self.fields.find_problem(field) if self.fields else None

    def find_kind_problem(self, field: object, value: object, *, op: str) -> str | None:
        """A value of the wrong kind or form would be accepted and then never match, so it is refused here."""
        if self.fields is None or not isinstance(field, str):
            return None
        kind = self.fields.get_kind(field)
        if kind is None or value is None:
            return None
        if problem := self.fields.find_list_problem(field, op):
            return problem
        if kind != "text" and op in ("contains", "starts_with"):
            return f"{field} is a {kind}: {op} works on text"
        items = value if isinstance(value, list) else [value]
        if all(type(item) in KIND_TYPES[kind] for item in items):
            return find_literal_problem(field, op, value, fields=self.fields)
        examples = {
            "text": 'write it in quotes, like "30312"',
            "number": "write 10",
            "flag": "use true or false",
        }
        return f"{field} is a {kind}: {examples[kind]}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _describe_unknown_operator(op: object) -> str:
    near = difflib.get_close_matches(op, OPERATORS, n=1) if isinstance(op, str) else []
    hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(OPERATORS)}"
    return f"unknown operator: {hint}" if op is not None else f"is required: {hint}"
