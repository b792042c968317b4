"""Texts are in American English and use none of the words that STYLE bans: sources, templates, docs."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("distribution", "docs", "leadswitch", "routing", "templates", "tests", "tracing")
SUFFIXES: Final = {".css", ".html", ".js", ".md", ".py"}
# Migrations are what they were when they ran; data holds real names (Centre County).
LEFT_OUT: Final = {"data", "migrations"}
BRITISH: Final = (
    *("authoris", "behaviour", "catalogue", "colour", "defence", "dialled", "favour", "labelled", "misspelt"),
    *(
        "neighbour",
        "normalis",
        "offence",
        "recognis",
        "serialis",
        "summaris",
        "unauthoris",
        "honour",
        "licence",
    ),
)
# Whole words, because enrolled and enrolling are American too.
BRITISH_WORDS: Final = ("enrol", "enrols", "enrolment", "enrolments", "learnt", "spelt", "towards")
SPELLING: Final = re.compile(rf"{'|'.join(BRITISH)}|\b(?:{'|'.join(BRITISH_WORDS)})\b", re.IGNORECASE)


def read_texts() -> dict[str, str]:
    paths = [ROOT / "README.md", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in paths
        if path.suffix in SUFFIXES and not LEFT_OUT & set(path.parts) and path != Path(__file__)
    }


def find_lines(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    """`path:line: word` of each match."""
    return [
        f"{path}:{number}: {found[0]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := pattern.search(line.replace("aria-labelledby", "")))
    ]


def test_spelling_is_american() -> None:
    assert find_lines(SPELLING, read_texts()) == []


@pytest.mark.parametrize("text", ["a colour", "normalise_zip", "its enrolment", "UNAUTHORISED"])
def test_british_spelling_is_found(text: str) -> None:
    assert len(find_lines(SPELLING, {"page": text})) == 1


@pytest.mark.parametrize("text", ["enrolled", "realistic", "aria-labelledby", "unauthorized"])
def test_american_spelling_is_not_found(text: str) -> None:
    assert find_lines(SPELLING, {"page": text}) == []
