"""The drill of the alarm: its servers read the committed files, and it watches every process that the product runs."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.notify import PAGER, WATCHDOG
from leadswitch.up import programs
from tests.load import alarm_servers
from tests.load.alarm import read_options
from tests.load.alarm_pages import find_required, title_of_row
from tests.load.alarm_servers import (
    CONFIGURATION,
    KINDS,
    ROUTES,
    alertmanager,
    product,
    running,
    write_scraping,
)
from tests.load.pager import Pager, running_pager
from tests.support import machine
from tests.support.ports import free_port
from tests.support.waiting import wait_until

PORTS = {kind: 20_000 + place for place, kind in enumerate(KINDS)}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The drill's own directory may be in use."""
    monkeypatch.setattr(alarm_servers, "PLACE", tmp_path)
    return tmp_path


def test_prometheus_reads_the_committed_rules_and_every_process(tmp_path: Path) -> None:
    file = write_scraping(tmp_path, PORTS, alertmanager=20_999)
    checked = subprocess.run(
        [machine.promtool(), "check", "config", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    configuration = yaml.safe_load(file.read_text())
    assert configuration["rule_files"] == [str(CONFIGURATION / "rules.yml")]
    targets = [job["static_configs"][0]["targets"] for job in configuration["scrape_configs"]]
    assert sorted(targets) == sorted([f"127.0.0.1:{port}"] for port in PORTS.values())
    [receiver] = configuration["alerting"]["alertmanagers"]
    assert receiver == {"static_configs": [{"targets": ["127.0.0.1:20999"]}]}


def test_product_of_the_drill_is_that_of_make_up() -> None:
    ours = product(PORTS, dispatcher_decides=True)
    assert (
        set(ours)
        == {program.name for program in programs("127.0.0.1", 1, streams_port=2, workers=2)}
        == set(KINDS)
    )
    directories = {environment["PROMETHEUS_MULTIPROC_DIR"] for _, environment in ours.values()}
    assert len(directories) == len(KINDS)


def test_only_the_canary_differs_if_the_dispatcher_must_not_decide() -> None:
    deciding, waiting = (product(PORTS, dispatcher_decides=decides) for decides in (True, False))
    assert waiting["dispatcher"][1] == {**deciding["dispatcher"][1], "LEADSWITCH_CANARY_LATE_SECONDS": "600"}
    assert {**waiting, "dispatcher": None} == {**deciding, "dispatcher": None}


def test_workers_are_killed_unless_others_are_chosen() -> None:
    assert read_options([]).kill == ["worker"]
    assert read_options(["--kill", "worker", "--kill", "dispatcher"]).kill == ["worker", "dispatcher"]
    with pytest.raises(SystemExit):
        read_options(["--kill", "dispatcher", "--dispatcher-decides"])


def fire(port: int, *names: str) -> None:
    """Send alerts with the labels and texts of the committed rules, as Prometheus does."""
    groups = yaml.safe_load((CONFIGURATION / "rules.yml").read_text())["groups"]
    rules = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
    alerts = [
        {"labels": {"alertname": name, **rules[name]["labels"]}, "annotations": rules[name]["annotations"]}
        for name in names
    ]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v2/alerts",
        data=json.dumps(alerts).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - as above


def is_ready(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10).close()
    except OSError:
        return False
    return True


def titles(pager: Pager, receiver: str) -> set[str]:
    return {each.title for each in pager.list_notices(receiver)}


def test_page_reaches_the_receiver_with_its_runbook(tmp_path: Path) -> None:
    """Through a real Alertmanager on the committed routes. A warning does not wake anyone."""
    machine.alertmanager()  # without it the test is skipped
    required = find_required(dispatcher_decides=False)
    port = free_port()
    with (
        running_pager() as pager,
        running({"alertmanager": alertmanager(tmp_path / "routes", port=port, pager=pager.address)}),
    ):
        wait_until(lambda: is_ready(port), what="Alertmanager is ready")
        fire(port, "LeadSwitchWorkersHalved", "LeadSwitchWatchdog", required.name)
        wait_until(lambda: titles(pager, PAGER) == {title_of_row(required)}, what="the page")
        wait_until(lambda: titles(pager, WATCHDOG) == {"LeadSwitchWatchdog"}, what="the watchdog")
        notices = pager.list_notices(PAGER)
    assert {each.runbook_url.rpartition("/")[2] for each in notices} == {f"{required.runbook}.md"}
    assert (REPOSITORY / "docs" / "runbooks" / f"{required.runbook}.md").exists()
    assert {each.receiver for each in pager.notices} == {PAGER, WATCHDOG}


def test_routes_and_inhibition_are_the_committed_ones(tmp_path: Path) -> None:
    written: Any = yaml.safe_load(
        alarm_servers.write_routes(tmp_path, pager="http://127.0.0.1:9").read_text()
    )
    committed: Any = yaml.safe_load(ROUTES.read_text())
    assert {**written, "receivers": None} == {**committed, "receivers": None}
    assert [each["name"] for each in written["receivers"]] == [
        each["name"] for each in committed["receivers"]
    ]
