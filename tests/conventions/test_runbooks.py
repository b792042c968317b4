"""Each runbook has the same parts, and three commands that exist."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from leadswitch.levels.alerts.alert import Alert
from leadswitch.levels.alerts.rows import ALERTS
from tests.support.runbooks import PAGES, RUNBOOKS, join_words, read_commands, read_quoted_commands

PARTS = ["Normal values", "First three commands", "What they show", "How to undo", "When to wake someone"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_runbook_has_every_part(page: Path) -> None:
    text = page.read_text()
    assert text.startswith("# ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert [part for part in re.split(r"^#.*$", text, flags=re.MULTILINE)[1:] if len(part.strip()) < 3] == []


def parse(name: str, arguments: list[str]) -> None:
    """Ends with SystemExit if the command does not have these arguments."""
    load_command_class(get_commands()[name], name).create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_in_the_text_of_a_runbook_exist(page: Path) -> None:
    for command in read_quoted_commands(page):
        _, name, *arguments = shlex.split(command)
        parse(name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_runbook_has_three_commands_that_exist(page: Path) -> None:
    commands = read_commands(page)
    assert len(commands) == len(set(commands)) == 3
    for command in commands:
        program, name, *arguments = shlex.split(command)
        if program == "python":
            assert [name, *arguments][:2] == ["-m", "leadswitch.alive"]
            continue
        assert program == "manage.py"
        parse(name, arguments)


def test_index_lists_every_runbook() -> None:
    listed = re.findall(
        r"^\| \[(\S+)\]\((\S+)\.md\) \| .+ \|$", (RUNBOOKS / "README.md").read_text(), re.MULTILINE
    )
    assert listed == [(page.stem, page.stem) for page in PAGES]
    assert len(PAGES) >= 39


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_page_has_the_normal_value_of_its_alert(alert: Alert) -> None:
    [section] = re.findall(
        r"^## Normal values\n(.+?)^## ",
        (RUNBOOKS / f"{alert.runbook}.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert alert.normal.lower() in join_words(section).lower()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_has_a_runbook(alert: Alert) -> None:
    assert alert.runbook in {page.stem for page in PAGES}
