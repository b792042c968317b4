"""A mapping template: target -> expression, rendered as JSON, a form or XML.

Compiled once for an endpoint. Rendering never raises: a sold lead must go out, whatever its fields hold.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

from distribution.deliveries.payloads.elements import Evaluate, list_texts, write_document
from distribution.deliveries.payloads.expression_reading import ExpressionError, read_expression
from distribution.deliveries.payloads.expressions import OMITTED, Constant, Expression, write_text
from distribution.deliveries.payloads.fields import FIELDS, ON_REQUEST, Facts
from distribution.deliveries.payloads.lead import make_plain
from distribution.deliveries.payloads.problems import Problem
from distribution.deliveries.payloads.secret_names import HIDDEN, is_secret_name
from distribution.deliveries.payloads.targets import (
    Branch,
    TargetError,
    find_element_problem,
    find_gaps,
    plant,
    read_path,
    read_xml_path,
)

BodyFormat = Literal["json", "form", "xml"]
CONTENT_TYPES: Final[Mapping[BodyFormat, str]] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml",
}
MAX_TARGETS: Final = 200


class TemplateError(Exception):
    """`problems`: all that are wrong with it, for the form."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Template:
    """`root` has a branch for each object or element; a form has none below it."""

    body_format: BodyFormat
    root: Branch

    def render(self, facts: Facts, *, hides_secrets: bool = False) -> bytes:
        """The body; with `hides_secrets` as it may be stored."""

        def evaluate(expression: Expression) -> Any:
            return HIDDEN if hides_secrets and expression.is_secret else expression.evaluate(facts)

        return WRITERS[self.body_format](self.root, evaluate)

    def list_secrets(self) -> Iterator[str]:
        """Constants that may not be stored, also where an answer repeats them."""
        for each in list_expressions(self.root):
            if each.is_secret and isinstance(each.source, Constant):
                yield write_text(each.source.value)


def list_usual_targets(body_format: BodyFormat) -> dict[str, str]:
    """An empty template: all fields under their own names."""
    prefix = "lead." if body_format == "xml" else ""
    return {prefix + name: name for name in FIELDS if name not in ON_REQUEST}


def compile_template(document: object, *, body_format: BodyFormat) -> Template:
    """An empty document means all fields. Raises TemplateError."""
    document = list_usual_targets(body_format) if document == {} else document
    if not isinstance(document, Mapping):
        raise TemplateError([Problem("template", 'must be an object like {"zip": "{zip}"}')])
    if len(document) > MAX_TARGETS:
        raise TemplateError([Problem("template", f"has more than {MAX_TARGETS} targets: use fewer")])
    root, problems = Branch(), []
    for target, each in document.items():
        try:
            _add(root, make_plain(target), make_plain(each), body_format=body_format)
        except (ExpressionError, TargetError) as error:
            problems.append(Problem("template", f"{target}: {error}"))
    problems += [] if problems else [Problem("template", text) for text in _find_problems(root, body_format)]
    if problems:
        raise TemplateError(problems)
    return Template(body_format, root)


def _add(root: Branch, target: str, document: object, *, body_format: BodyFormat) -> None:
    expression = read_expression(document)
    if isinstance(expression.source, Constant) and is_secret_name(target) and not _decides_secret(document):
        expression = Expression(source=expression.source, is_secret=True, omit_blank=expression.omit_blank)
    if body_format == "form":
        if not target.strip():
            raise TargetError("needs a name")
        root.children[target] = expression
    else:
        plant(root, read_xml_path(target) if body_format == "xml" else read_path(target), expression)


def _decides_secret(document: object) -> bool:
    return isinstance(document, Mapping) and "secret" in document


def _find_problems(root: Branch, body_format: BodyFormat) -> Iterator[str]:
    if body_format == "form":
        return
    for path in find_gaps(root):
        yield f"{path}: the list has a gap: number its items 0, 1, 2"
    if body_format == "xml" and (problem := find_element_problem(root)):
        yield problem


def _write_json(root: Branch, evaluate: Evaluate) -> bytes:
    value = _build_json(root, evaluate)
    document = {} if value is OMITTED else value
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def _build_json(node: Branch | Expression, evaluate: Evaluate) -> Any:
    """An object or list of which everything is omitted is omitted too."""
    if isinstance(node, Expression):
        return evaluate(node)
    built = {key: _build_json(inner, evaluate) for key, inner in node.children.items()}
    kept = {key: value for key, value in built.items() if value is not OMITTED}
    if not kept:
        return OMITTED
    return [value for _, value in sorted(kept.items())] if node.is_list else kept


def _write_form(root: Branch, evaluate: Evaluate) -> bytes:
    """A list is one pair for each item, an object one for each key: attributes.roof_age."""
    values = [
        (str(name), evaluate(each)) for name, each in root.children.items() if isinstance(each, Expression)
    ]
    pairs = [pair for name, value in values for pair in _flatten(name, value)]
    return urlencode([(name, text) for name, value in pairs for text in list_texts(value)]).encode()


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield name, value
        return
    for key, inner in value.items():
        yield from _flatten(f"{name}.{key}", inner)


def list_expressions(branch: Branch) -> Iterator[Expression]:
    for inner in branch.children.values():
        if isinstance(inner, Expression):
            yield inner
        else:
            yield from list_expressions(inner)


WRITERS: Final[Mapping[BodyFormat, Callable[[Branch, Evaluate], bytes]]] = {
    "json": _write_json,
    "form": _write_form,
    "xml": write_document,
}
