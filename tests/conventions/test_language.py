"""Texts are in American English and use none of the words that STYLE bans: sources, templates, docs."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("distribution", "docs", "leadswitch", "routing", "templates", "tests", "tracing")
SUFFIXES: Final = {".css", ".html", ".js", ".md", ".py"}
# Migrations are what they were when they ran; data contains real names (Centre County).
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


# Sources, tests, templates and docs. A name within a path is no word.
BANNED: Final = (
    r"mend(?:s|ed|ing)?",
    "whoever",
    "whatever (?:somebody|someone|anybody)",
    "in vain",
    "by now",
    "meanwhile",
    # An error that stands out, a word that stands for another and a server that stands by are English.
    "stands(?! (?:out|for|by))",
    "so many",
    "told",
    r"nobody\b[^.:;]*\bany ?more",
    # As it was saved, as it was read: that is English.
    r"as it was(?=\s*(?:[.,;:)\"]|$))",
    "lies",
    r"time-outs?",
)
BANNED_WORDS: Final = re.compile(rf"(?<![-\w])(?:{'|'.join(BANNED)})(?![-\w])", re.IGNORECASE)
# A quoted "nobody" is a value: a fixer, a rule of the second factor, a user of the machine.
VAGUE_ACTORS: Final = re.compile(
    r"(?<![-\w\"'`])(?:nobody|somebody|anybody|everybody)(?![-\w\"'`])", re.IGNORECASE
)


def test_banned_words_are_not_used() -> None:
    assert find_lines(BANNED_WORDS, read_texts()) == []


def test_tests_name_the_actor() -> None:
    tests = {path: text for path, text in read_texts().items() if path.startswith("tests/")}
    assert find_lines(VAGUE_ACTORS, tests) == []


@pytest.mark.parametrize(
    "text",
    [
        "Mend it.",
        "whoever holds it",
        "Whatever somebody changes",
        "waited in vain",
        "is gone by now",
        "commits meanwhile.",
        "it stands in the audit",
        "so many rows",
        "told of it",
        "nobody holds it any more",
        "the row as it was.",
        "it lies in the lead",
        "after a time-out",
    ],
)
def test_banned_word_is_found(text: str) -> None:
    assert len(find_lines(BANNED_WORDS, {"page": text})) == 1


@pytest.mark.parametrize(
    "text",
    ["amended", "a row as it was saved", "what stands for it", "rows-are-told-apart.md", "reason_told"],
)
def test_legitimate_use_is_not_found(text: str) -> None:
    assert find_lines(BANNED_WORDS, {"page": text}) == []


@pytest.mark.parametrize("text", ["nobody reads it", "while somebody types", "Everybody may use it."])
def test_vague_actor_is_found(text: str) -> None:
    assert len(find_lines(VAGUE_ACTORS, {"page": text})) == 1


@pytest.mark.parametrize("text", ["no worker reads it", '("superusers", "nobody")', "runs as `nobody`"])
def test_value_or_named_actor_is_not_found(text: str) -> None:
    assert find_lines(VAGUE_ACTORS, {"page": text}) == []
