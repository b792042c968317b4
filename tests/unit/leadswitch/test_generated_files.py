"""Commands that write generated files: refusals name the argument or the file."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

COMMANDS = [["alert_rules"], ["dashboards", "--write"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_directory_that_cannot_be_made_is_named(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        CommandError, match=f"{tmp_path}/file/.* cannot be written: Not a directory"
    ) as caught:
        call_command(*command, "--directory", str(tmp_path / "file"))
    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("URL", "its scheme is not one of http, https"),
        ("", "its scheme is not one of http, https"),
        ("https://", "names no host"),
        ("https://:8000", "names no host"),
        ("ftp://example.com", "its scheme is not one of http, https"),
        ("http://[", "is not a URL with a valid host and port"),
        ("https://a b", "contains a space"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_text_that_is_no_url_is_refused(command: list[str], url: str, problem: str, tmp_path: Path) -> None:
    example = r"Use a URL such as https://leads\.example\.com$"
    with pytest.raises(CommandError, match=rf"argument --runbooks: {problem}.*\. {example}"):
        call_command(*command, "--directory", str(tmp_path), f"--runbooks={url}")
    assert list(tmp_path.iterdir()) == []


def test_refused_url_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="argument --watchdog: its scheme is not") as caught:
        call_command("alert_rules", "--directory", str(tmp_path), "--watchdog=hunter2:hunter2@example.com")
    assert "hunter2" not in str(caught.value)


def test_slash_at_the_end_of_the_address_of_runbooks_is_dropped(tmp_path: Path) -> None:
    call_command("alert_rules", "--directory", str(tmp_path), "--runbooks=https://example.com/runbooks/")
    rules = (tmp_path / "prometheus" / "rules.yml").read_text()
    assert "https://example.com/runbooks/no-leader.md" in rules
