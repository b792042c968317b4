"""Who gets which alert, according to Alertmanager's own program and to a running Alertmanager."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Alert, Severity
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.monitors.monitor import make_name
from tests.support import machine
from tests.support.monitoring import alertmanager_command
from tests.support.ports import free_port
from tests.support.waiting import wait_until

CONFIGURATION = REPOSITORY / "ops" / "alertmanager.yml"
RECEIVERS = {
    Severity.PAGE: "pager",
    Severity.WARNING: "chat",
    Severity.DIGEST: "digest",
    Severity.NONE: "watchdog",
}


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine.amtool(), *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def route(receiver: str, *labels: str) -> int:
    return amtool(
        "config",
        "routes",
        "test",
        f"--config.file={CONFIGURATION}",
        f"--verify.receivers={receiver}",
        *labels,
    ).returncode


def test_amtool_accepts_the_configuration() -> None:
    result = amtool("check-config", str(CONFIGURATION))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=make_name)
def test_each_alert_reaches_the_receiver_of_its_severity(alert: Alert) -> None:
    labels = (f"{name}={value}" for name, value in alert.all_labels.items())
    assert route(RECEIVERS[alert.severity], f"alertname={alert.name}", *labels) == 0


def test_each_severity_has_an_alert() -> None:
    assert {alert.severity for alert in ALERTS} == set(Severity) == RECEIVERS.keys()


def test_page_is_not_sent_to_the_chat() -> None:
    assert route("chat", "severity=page") == 1


def test_alert_of_unknown_severity_is_sent_to_the_chat() -> None:
    assert route("chat", "alertname=Other", "severity=info") == 0


@contextmanager
def running_alertmanager(directory: Path) -> Iterator[int]:
    """An Alertmanager on the committed routes and inhibition; yields its port. Its receivers send nothing."""
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    configuration["receivers"] = [{"name": receiver["name"]} for receiver in configuration["receivers"]]
    file = directory / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration))
    port = free_port()
    command = alertmanager_command(machine.alertmanager(), file, port=port)
    with (directory / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: is_ready(port, process), what="Alertmanager is ready")
            yield port
        finally:
            process.kill()


def is_ready(port: int, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "Alertmanager ended"
    try:
        return request(port, "GET", "/-/ready")[0] == 200
    except (OSError, HTTPException):
        return False


def request(port: int, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def post(port: int, *alerts: dict[str, str]) -> None:
    status, answer = request(
        port, "POST", "/api/v2/alerts", json.dumps([{"labels": labels} for labels in alerts])
    )
    assert status == 200, answer


def read_states(port: int) -> dict[str, str]:
    alerts: list[dict[str, Any]] = json.loads(request(port, "GET", "/api/v2/alerts")[1])
    return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in alerts}


def labels_of(name: str, **chosen: str) -> dict[str, str]:
    [labels] = [
        alert.all_labels
        for alert in ALERTS
        if alert.name == name and chosen.items() <= alert.all_labels.items()
    ]
    return {"alertname": name, **labels}


def test_page_about_postgres_does_not_silence_redis(tmp_path: Path) -> None:
    with running_alertmanager(tmp_path) as port:
        post(
            port,
            labels_of("LeadSwitchPostgresDown"),
            labels_of("LeadSwitchExporterCollectorFailed") | {"collector": "redis"},
            labels_of("LeadSwitchRedisLost"),
        )
        expected = {
            "LeadSwitchPostgresDown": "active",
            "LeadSwitchExporterCollectorFailed": "suppressed",
            "LeadSwitchRedisLost": "active",
        }
        wait_until(lambda: read_states(port) == expected, what="the alerts are active or silenced")


def test_page_and_absent_exporter_silence_warnings_only(tmp_path: Path) -> None:
    """Dispatchers and the web server decide leads too, so the absence of the workers silences nothing."""
    with running_alertmanager(tmp_path) as port:
        post(
            port,
            labels_of("LeadSwitchDueRetriesCritical"),
            labels_of("LeadSwitchDueRetriesHigh"),
            labels_of("LeadSwitchJobAbsent", job="leadswitch-worker"),
            labels_of("LeadSwitchExporterAbsent"),
            labels_of("LeadSwitchLockTimeouts"),
            labels_of("LeadSwitchFailureRateHigh"),
            labels_of("LeadSwitchSuccessRateLow"),
            labels_of("LeadSwitchStaleLocks"),
            labels_of("LeadSwitchWatchdog"),
        )
        expected = {
            "LeadSwitchDueRetriesCritical": "active",
            "LeadSwitchDueRetriesHigh": "suppressed",
            "LeadSwitchJobAbsent": "active",
            "LeadSwitchExporterAbsent": "active",
            "LeadSwitchLockTimeouts": "active",
            "LeadSwitchFailureRateHigh": "active",
            "LeadSwitchSuccessRateLow": "suppressed",
            "LeadSwitchStaleLocks": "suppressed",
            "LeadSwitchWatchdog": "active",
        }
        wait_until(lambda: read_states(port) == expected, what="the alerts are active or silenced")
