"""Pages that list parts of the product: each part exists, and no part is left out."""

import importlib
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
APPS = ("leadswitch", "distribution", "routing", "tracing")
TERM = re.compile(r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \| `(?P<carrier>[\w.]+)` \|$", re.MULTILINE)
TERMS = list(TERM.finditer((DOCS / "glossary.md").read_text()))


def test_glossary_has_one_sorted_row_for_each_term() -> None:
    rows = (DOCS / "glossary.md").read_text().count("\n|") - 2
    terms = [row["term"].casefold() for row in TERMS]
    assert len(terms) == rows >= 50
    assert terms == sorted(set(terms))


@pytest.mark.parametrize("row", TERMS, ids=lambda row: row["term"])
def test_carrier_of_a_term_exists(row: re.Match[str]) -> None:
    try:
        importlib.import_module(row["carrier"])
    except ModuleNotFoundError:
        module, _, name = row["carrier"].rpartition(".")
        assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("app", APPS)
def test_architecture_lists_every_room(app: str) -> None:
    page = (DOCS / "architecture.md").read_text()
    rooms = [
        path.parent.name
        for path in (REPOSITORY / app).glob("*/__init__.py")
        if path.parent.name != "migrations"
    ]
    assert rooms
    assert [room for room in rooms if f"`{app}/{room}/`" not in page] == []


@pytest.mark.parametrize("app", ["distribution", "routing"])
def test_architecture_lists_every_module_beside_the_rooms(app: str) -> None:
    page = (DOCS / "architecture.md").read_text()
    modules = [
        path.name for path in (REPOSITORY / app).glob("*.py") if path.name not in {"__init__.py", "apps.py"}
    ]
    assert modules
    assert [module for module in modules if f"`{app}/{module}`" not in page] == []


def test_architecture_has_the_rows_of_the_import_contracts() -> None:
    """The page lists the rooms in the order of the contracts, row by row."""
    contracts = re.findall(
        r'containers = \["(\w+)"\].*?layers = \[\n(.*?)\n\]',
        (REPOSITORY / "pyproject.toml").read_text(),
        re.S,
    )
    assert [app for app, _ in contracts] == ["distribution", "routing"]
    for app, layers in contracts:
        expected = [set(row.split(" | ")) for row in re.findall(r'"(.+)"', layers)]
        section = (DOCS / "architecture.md").read_text().split(f"\n### {app}: ")[1].split("\n### ")[0]
        rows: list[set[str]] = []
        for number, cells in re.findall(r"^\| (\d*) ?\| (`[^|]+) \|", section, re.MULTILINE):
            if number:
                rows.append(set())
            rows[-1] |= set(re.findall(rf"`{app}/(\w+)(?:/|\.py)`", cells))
        assert rows == expected


def test_index_lists_every_page() -> None:
    """Links without a target are found by test_references."""
    linked = re.findall(r"\]\(([\w/-]+\.md)\)", (DOCS / "README.md").read_text())
    pages = [path.name for path in DOCS.glob("*.md") if path.name != "README.md"]
    assert sorted(linked) == sorted([*pages, "decisions/README.md", "runbooks/README.md"])


CHANGES = (
    "A gate",
    "A skip reason",
    "An event of the trace",
    "An intake format",
    "A reconciler",
    "An alert",
    "An environment variable",
    "A column of a campaign's form",
    "An admin page",
    "An API route",
    "A metric",
)


@pytest.mark.parametrize("change", CHANGES)
def test_contributing_lists_existing_files_for_each_kind_of_change(change: str) -> None:
    section = (REPOSITORY / "CONTRIBUTING.md").read_text().split(f"### {change}\n")[1].split("\n##")[0]
    paths = re.findall(r"`((?:leadswitch|distribution|routing|tracing|tests|docs)/[\w./-]*)`", section)
    assert len(paths) >= 3
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_version_is_the_newest_of_the_changelog() -> None:
    headings = re.findall(r"^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    version = re.search(r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert headings[1].split()[0] == version[1]


def test_changelog_sorts_changes_by_the_known_headings() -> None:
    headings = re.findall(r"^### (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
