"""The pages of docs/runbooks, their commands, and what the pages promise that these print."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RUNBOOKS: Final = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
PAGES: Final = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")
COMMANDS: Final = re.compile(r"^## First three commands\n\n```\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
PROMISE: Final = re.compile(r"\d\. `([^`]+)` \(exit code (\d)\) prints `([^`]+)`")
PLACEHOLDER: Final = re.compile(r"\b[A-Z]+\b")
SHAPES: Final = {
    "N": r"[1-9][\d,]*",
    "PID": r"\d+",
    "SHARD": r"\d+",
    "SECONDS": r"\d[\d,.]*",
    "TIME": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
    "NAME": r"\S+",
}


def read_commands(page: Path) -> list[str]:
    found = COMMANDS.search(page.read_text())
    assert found is not None, page.name
    return found[1].splitlines()


@dataclass(frozen=True, slots=True)
class Promise:
    """What a page says that a command prints in the state of the page. Words in capitals are placeholders."""

    exit_code: int
    line: str

    def make_pattern(self, values: Mapping[str, str]) -> re.Pattern[str]:
        """Find the line in an output with single spaces. `values`: what replaces LEAD, SLUG and others."""
        pattern = re.escape(self.line)
        shapes = {**SHAPES, **{name: re.escape(value) for name, value in values.items()}}
        pattern = PLACEHOLDER.sub(lambda found: shapes.get(found[0], found[0]), pattern)
        return re.compile(rf"(?<!\S){pattern}(?!\S)")


def read_promises(page: Path) -> dict[str, Promise]:
    """By command, in the page's order."""
    [section] = re.findall(r"^## What they show\n(.+?)^## ", page.read_text(), re.MULTILINE | re.DOTALL)
    found = PROMISE.findall(join_words(section))
    return {command: Promise(int(exit_code), line) for command, exit_code, line in found}


def read_quoted_commands(page: Path) -> list[str]:
    """Every `manage.py` command in the text of a page, sorted."""
    quoted = re.findall(r"`(manage\.py [^`…]+)`", join_words(page.read_text()))
    return sorted(set(quoted))


def join_words(text: str) -> str:
    """The text with single spaces: pages and outputs break lines at their width."""
    return " ".join(text.split())
