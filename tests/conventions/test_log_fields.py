"""Every field that a log call passes as `extra` is written: leadswitch.logs leaves out fields that it does not list."""

import ast
from collections.abc import Iterator
from pathlib import Path

from leadswitch.env import REPOSITORY
from leadswitch.logs import EXTRA_FIELDS

APPS = ("leadswitch", "distribution", "routing", "tracing")


def list_fields(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the name of each field that a function passes to `logger`, in place or by a variable of its own."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            assigned = dict(list_assigned(function))
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logger."):
                    for keyword in call.keywords:
                        value = keyword.value
                        if isinstance(value, ast.Name):
                            value = assigned.get(value.id, value)
                        if keyword.arg == "extra" and isinstance(value, ast.Dict):
                            yield from list_keys(value)


def list_assigned(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def list_keys(fields: ast.Dict) -> Iterator[tuple[int, str]]:
    """`**` has no key."""
    for key in fields.keys:
        if isinstance(key, ast.Constant):
            yield key.lineno, str(key.value)


def test_every_field_of_a_log_call_is_written() -> None:
    found = [
        (f"{path.relative_to(REPOSITORY)}:{line}", field)
        for app in APPS
        for path in (REPOSITORY / app).rglob("*.py")
        for line, field in list_fields(ast.parse(Path(path).read_text()))
    ]
    assert {"collector", "lead_id", "cause"} <= {field for _, field in found}
    assert [each for each in found if each[1] not in EXTRA_FIELDS] == []
