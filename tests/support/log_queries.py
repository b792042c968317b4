"""Evaluates the parts of Datadog's and Loki's query languages that docs/log-queries.md uses, on parsed log lines."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Line = Mapping[str, Any]
Test = Callable[[Line], bool]

DATADOG_TERM: Final = re.compile(r"(?P<facet>@?\w+):(?P<comparison>>?)(?P<value>[\w.]+)")
LOKI_QUERY: Final = re.compile(
    r'(?:sum by \((?P<by>[\w, ]+)\) \(count_over_time\()?\{app="leadswitch"\} \| json \| '
    r'(?P<field>\w+) ?(?P<comparison>=|>) ?"?(?P<value>[\w.]+)"?(?: \[1h\]\)\))?'
)


class BadQuery(Exception):
    """The query has a form that these functions do not support."""


def select_by_datadog(query: str, lines: Sequence[Line]) -> list[Line]:
    tests = [_parse_term(term) for term in query.split()]
    return [line for line in lines if all(test(line) for test in tests)]


def select_by_loki(query: str, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Return the selected lines and the labels by which the query counts them."""
    found = LOKI_QUERY.fullmatch(query)
    if found is None or query.count("(") != query.count(")"):
        raise BadQuery(query)
    test = _compare(found["field"], found["comparison"], found["value"])
    labels = found["by"].split(", ") if found["by"] else []
    return [line for line in lines if test(line)], labels


def _parse_term(term: str) -> Test:
    found = DATADOG_TERM.fullmatch(term)
    if found is None:
        raise BadQuery(term)
    if not found["facet"].startswith("@"):
        # A tag of the log stream, such as the service: the lines of one product all have it.
        return lambda _line: term == "service:leadswitch"
    return _compare(found["facet"][1:], found["comparison"] or "=", found["value"])


def _compare(field: str, comparison: str, value: str) -> Test:
    if comparison == "=":
        return lambda line: line.get(field) == value
    return lambda line: line.get(field) is not None and float(line[field]) > float(value)
