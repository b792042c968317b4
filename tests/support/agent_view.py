"""What the Datadog Agent makes of scrapes with a configuration of its OpenMetrics check, and the queries of Datadog."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import Metric

QUERY: Final = re.compile(
    r"\b(?:sum|max|min|count|p\d+)(?:\(v: v[<>=]+\d+\))?:(?P<name>[\w.]+)\{(?P<scope>[^}]*)\}(?: by \{(?P<by>[^}]*)\})?"
)
CONDITION: Final = re.compile(
    r"(?P<tag>\w+) (?:NOT )?IN \((?P<values>[^)]*)\)|(?P<any>\w+):\*|\$(?P<variable>\w+)|\*"
)
# The metrics that the check submits for a family, after its name.
SUBMITTED: Final = {"counter": (".count",), "gauge": ("",), "histogram": ("", ".count", ".sum")}


@dataclass
class AgentView:
    """Values of each tag, by the name of the metric."""

    tags: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add(self, families: Iterable[Metric], instance: Mapping[str, Any]) -> None:
        names = {old: new for mapping in instance["metrics"] for old, new in mapping.items()}
        for family in families:
            if family.name in names and family.samples:
                for suffix in SUBMITTED[family.type]:
                    tags = self.tags.setdefault(f"{instance['namespace']}.{names[family.name]}{suffix}", {})
                    for sample in family.samples:
                        for label, value in sample.labels.items():
                            tags.setdefault(label, set()).add(value)

    def find_problems(self, text: str) -> Iterator[str]:
        """Names, tags and values of a query that no process sends. Raises ValueError for a text without queries."""
        queries = list(QUERY.finditer(text))
        if not queries:
            raise ValueError(text)
        for query in queries:
            tags = self.tags.get(query["name"])
            if tags is None:
                yield f"no metric {query['name']}"
                continue
            asked = [(label, set[str]()) for label in (query["by"] or "").split(",") if label]
            for label, values in [*asked, *_read_scope(query["scope"])]:
                if not values <= tags.get(label, set()) or label not in tags:
                    yield f"{query['name']} has no {label} {', '.join(sorted(values))}"


def _read_scope(scope: str) -> Iterator[tuple[str, set[str]]]:
    """Each tag with the values that it is compared with. Raises ValueError for an unknown form."""
    for part in scope.split(" AND "):
        found = CONDITION.fullmatch(part)
        if found is None:
            raise ValueError(part)
        if found["tag"]:
            yield found["tag"], set(found["values"].split(", "))
        elif found["any"] or found["variable"]:
            yield found["any"] or found["variable"], set()
