"""The alert files, read by the programs of Prometheus themselves."""

import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from leadswitch.env import REPOSITORY
from tests.support import machine

PROMETHEUS = REPOSITORY / "ops" / "prometheus"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


def run(*command: str) -> str:
    """The output of a program that must succeed."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_promtool_accepts_the_rules() -> None:
    assert "SUCCESS" in run(
        machine.promtool(), "check", "rules", "--lint=all", "--lint-fatal", str(PROMETHEUS / "rules.yml")
    )


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    """The token of /metrics is in a file of the server. Everything else is checked as committed."""
    token = tmp_path / "token"
    token.write_text("x" * 32)
    text = (PROMETHEUS / "prometheus.yml").read_text()
    assert text.count("/run/secrets/leadswitch_metrics_token") == 1
    (tmp_path / "prometheus.yml").write_text(
        text.replace("/run/secrets/leadswitch_metrics_token", str(token))
    )
    (tmp_path / "rules.yml").write_bytes((PROMETHEUS / "rules.yml").read_bytes())
    assert "SUCCESS: 1 rule files found" in run(
        machine.promtool(), "check", "config", str(tmp_path / "prometheus.yml")
    )


def test_command_writes_links_of_the_installation(tmp_path: Path) -> None:
    links = ("--runbooks=https://docs.test/runbooks/", "--dashboards=https://grafana.test/d")
    call_command("alert_rules", f"--directory={tmp_path}", *links)
    text = (tmp_path / "prometheus" / "rules.yml").read_text()
    assert "runbook_url: https://docs.test/runbooks/no-leader.md" in text
    assert "dashboard_url: https://grafana.test/d/leadswitch-dispatch" in text
    call_command("alert_rules", f"--directory={tmp_path}", *links, "--check")
    with pytest.raises(CommandError, match=r"Out of date: .*rules\.yml"):
        call_command("alert_rules", f"--directory={tmp_path}", "--check")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_are_quiet(path: Path) -> None:
    assert "SUCCESS" in run(machine.promtool(), "test", "rules", str(path))


def test_rule_tests_notice_a_wrong_threshold(tmp_path: Path) -> None:
    """Raises one threshold: the test of that alert must fail."""
    rules = (PROMETHEUS / "rules.yml").read_text()
    assert rules.count("max(leadswitch_leaders) == 0") == 1
    (tmp_path / "rules.yml").write_text(
        rules.replace("max(leadswitch_leaders) == 0", "max(leadswitch_leaders) < 0")
    )
    (tmp_path / "tests").mkdir()
    path = tmp_path / "tests" / "dispatch_seconds.yml"
    path.write_bytes((PROMETHEUS / "tests" / "dispatch_seconds.yml").read_bytes())
    result = subprocess.run(
        [machine.promtool(), "test", "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "LeadSwitchNoLeader: fires" in result.stderr + result.stdout
