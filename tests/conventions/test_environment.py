"""The registry of environment variables is complete, and every variable that a file names exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadswitch.env import REPOSITORY, Environment
from leadswitch.env.data import ENV_FILE
from leadswitch.env.example import COMPOSE_VARIABLES, render_example
from leadswitch.env.registry import RENAMED, SECTIONS, VARIABLES
from leadswitch.env.variable import Variable

NAMES = {variable.name for variable in VARIABLES}


def test_registry_holds_every_variable_of_the_environment() -> None:
    held = {
        name
        for each in Environment.__mro__
        for name, value in vars(each).items()
        if isinstance(value, Variable)
    }
    assert held == {variable.field for variable in VARIABLES}
    assert len(held) == len(NAMES) == len(VARIABLES)


def test_new_name_and_old_name_are_never_the_same() -> None:
    assert set(RENAMED) & NAMES == set()
    assert set(RENAMED.values()) <= NAMES


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda each: each.name)
def test_variable_has_a_help_text(variable: "Variable[object]") -> None:
    assert re.fullmatch(r"[A-Zw`].{10,}\.", variable.help), variable.help


def test_every_section_has_a_title_of_its_own() -> None:
    assert len({section.TITLE for section in SECTIONS}) == len(SECTIONS)


def test_example_file_is_made_from_the_registry() -> None:
    """Run `make env-example` if this fails."""
    assert (REPOSITORY / ".env.example").read_text() == render_example()


def test_every_example_is_accepted(tmp_path: Path) -> None:
    for variable in VARIABLES:
        if variable.example and not variable.name.startswith(
            "LEADSWITCH_EMBEDDED_"
        ):  # programs of the machine
            Environment(
                {variable.name: variable.example, "LEADSWITCH_VAR_DIR": str(tmp_path)}
            ).__getattribute__(variable.field)


def test_compose_file_reads_the_variables_of_the_example() -> None:
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    read = set(re.findall(r"(?<!\$)\$\{(\w+)[:}]", compose))
    secrets = set(re.findall(r": \{environment: (\w+)\}", compose))
    assert read | secrets == {each.name for each in COMPOSE_VARIABLES} | {
        *(
            "SECRET_KEY",
            "LEADSWITCH_IDENTITY_KEY",
            "LEADSWITCH_ENCRYPTION_KEY",
            "ALLOWED_HOSTS",
            "LEADSWITCH_METRICS_TOKEN",
        )
    }


def test_every_variable_and_setting_that_a_file_names_exists() -> None:
    settings = set(
        re.findall(r"^(LEADSWITCH_\w+) = ", (REPOSITORY / "leadswitch/settings.py").read_text(), re.M)
    )
    unknown = {
        (str(path.relative_to(REPOSITORY)), name)
        for path in list_files()
        for name in re.findall(r"\bLEADSWITCH_[A-Z_]*", path.read_text())
        if name not in NAMES | settings | {"LEADSWITCH_"}
    }
    assert unknown == set()


def list_files() -> Iterator[Path]:
    """The files that name variables for operators and contributors. The changelog also names old ones."""
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "*.yml",
        "Makefile",
        "Dockerfile",
        "ops/**/*",
        ".ci/*",
        ".github/**/*",
    ):
        yield from (
            path
            for path in REPOSITORY.glob(pattern)
            if path.is_file() and path.name != "CHANGELOG.md" and path.suffix != ".pyc"
        )


@pytest.mark.parametrize(
    "variable", [each for each in VARIABLES if each.name != ENV_FILE], ids=lambda each: each.name
)
def test_variable_is_read_by_the_product(variable: "Variable[object]") -> None:
    """A variable that no code reads has no effect. ENV_FILE alone is read by its name, before there are values."""
    read = re.compile(rf"\.{variable.field}\b")
    assert any(read.search(path.read_text()) for path in list_sources()), variable.field


def list_sources() -> list[Path]:
    """The product's modules, apart from the rows of the variables themselves."""
    return [
        path
        for app in ("leadswitch", "distribution", "routing", "tracing")
        for path in (REPOSITORY / app).rglob("*.py")
        if path.name != "variable.py"
    ]
