"""The findings: by check, with the count and one example."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Finding:
    check: str
    count: int
    example: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.count:,}" + (f" ({self.example})" if self.example else "")


@dataclass(slots=True)
class Findings:
    found: dict[str, Finding] = field(default_factory=dict)

    def add(self, check: str, count: int, example: str = "") -> None:
        """Keep the largest count of a check, since each check counts everything each time."""
        known = self.found.get(check)
        if count and (known is None or known.count < count):
            self.found[check] = Finding(check, count, example)

    def __bool__(self) -> bool:
        return bool(self.found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found.values())
