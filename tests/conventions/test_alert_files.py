"""The files of Prometheus and Alertmanager are generated from the alerts, and each alert is complete."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final

import pytest
import yaml

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Alert, Job, Severity
from leadswitch.levels.alerts.burn import BURNS
from leadswitch.levels.alerts.files import Links, make_files
from leadswitch.levels.alerts.notify import WATCHDOG, make_alertmanager
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.exporter.refresher import MAX_FAILURES, PASS_SECONDS
from leadswitch.levels.objectives import (
    AVAILABILITY_DEADLINE_SECONDS,
    LATENCY,
    LATENCY_LIMIT_SECONDS,
    OBJECTIVES,
)
from routing.leads.decision_metrics import DEADLINE, PROMPT
from routing.metrics.leads import DUE_TO_DECISION_SECONDS

OPS = REPOSITORY / "ops"


@pytest.mark.parametrize("path", make_files(Links()))
def test_generated_file_is_committed(path: Any) -> None:
    assert (OPS / path).read_text() == make_files(Links())[path], "run manage.py alert_rules"


def test_rows_are_unique() -> None:
    rows = Counter((alert.name, *sorted(alert.all_labels.items())) for alert in ALERTS)
    assert [row for row, count in rows.items() if count > 1] == []


def test_each_job_has_an_alert_for_its_absence() -> None:
    watched = {alert.labels["job"] for alert in ALERTS if alert.name.endswith("Absent")}
    assert watched == {str(job) for job in Job}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_text_of_an_alert_has_value_and_normal_value(alert: Alert) -> None:
    assert alert.normal
    assert not alert.summary.endswith(alert.normal)
    measures = re.search(r"\$value|\$labels|query|absent\(", alert.summary + alert.expression)
    assert measures or alert.severity in (Severity.NONE, Severity.PAGE)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_each_burn_rate_can_be_reached(objective: Any) -> None:
    """A factor times a large budget is above 100 %: such an alert could never fire."""
    assert [burn for burn in BURNS if burn.factor * objective.budget >= 1] == []


def test_objectives_use_the_limits_that_the_product_measures() -> None:
    assert timedelta(seconds=AVAILABILITY_DEADLINE_SECONDS) == DEADLINE
    assert timedelta(seconds=LATENCY_LIMIT_SECONDS) == PROMPT
    buckets = {
        sample.labels["le"]
        for sample in DUE_TO_DECISION_SECONDS.collect()[0].samples
        if "le" in sample.labels
    }
    assert f'le="{LATENCY_LIMIT_SECONDS}.0"' in LATENCY.bad_decided
    assert f"{LATENCY_LIMIT_SECONDS}.0" in buckets


# Each way in which an alert must not fire has its own test. Two alerts fire without traffic on purpose.
FIRES: Final = {"fires"}
QUIET: Final = {
    "quiet just below",
    "quiet without traffic",
    "quiet at low traffic with one failure",
    "resolves",
}
ALWAYS: Final = {"LeadSwitchWatchdog", "LeadSwitchDailyDigest"}


MATCHER: Final = re.compile(r'(\w+)(=~?)"([^"]*)"')


def matches(alert: Alert, matchers: Sequence[str]) -> bool:
    labels = {"alertname": alert.name, **alert.all_labels}
    parts = [MATCHER.fullmatch(each).groups() for each in matchers]  # type: ignore[union-attr]
    return all(re.fullmatch(value, labels.get(name, "")) for name, _, value in parts)


def test_each_name_in_the_inhibition_silences_an_alert() -> None:
    """A rule that no alert can match promises silence that never comes."""
    for rule in make_alertmanager(watchdog_url="")["inhibit_rules"]:
        sources = {alert.name for alert in ALERTS if matches(alert, rule["source_matchers"])}
        named = [each for each in rule["source_matchers"] if each.startswith("alertname")]
        assert set(re.findall(r"LeadSwitch\w+", " ".join(named))) <= sources
        assert sources
        assert any(matches(alert, rule["target_matchers"]) for alert in ALERTS)


def test_watchdog_calls_as_often_as_the_pages_say() -> None:
    """Alertmanager repeats at the first pass of the group after the interval of repeats."""
    routes = make_alertmanager(watchdog_url="")["route"]["routes"]
    [route] = [each for each in routes if each["receiver"] == WATCHDOG]
    least, between = (int(route[name].removesuffix("m")) for name in ("repeat_interval", "group_interval"))
    page = (REPOSITORY / "docs" / "alerts.md").read_text()
    assert page.count(f"every {least} to {least + between} minutes") == 2
    assert f"longer than {least + between} minutes" in page


def test_page_of_a_failing_collector_is_true_at_every_period() -> None:
    """Values are dropped at the third failed pass. The alert fires after 2 minutes."""
    [alert] = [each for each in ALERTS if each.name == "LeadSwitchExporterCollectorFailed"]
    assert alert.holds_for == "2m"
    page = " ".join((REPOSITORY / "docs" / "runbooks" / "exporter-collector-failed.md").read_text().split())
    assert "could not be read for two minutes" in page
    assert "After three failed passes in a row" in page
    assert (MAX_FAILURES - 1) * 10 < 120 <= (MAX_FAILURES - 1) * 60 + PASS_SECONDS


@cache
def read_cases() -> dict[str, set[str]]:
    """What promtool tests of each alert: the text after the name, without the job."""
    cases: dict[str, set[str]] = {}
    for path in (OPS / "prometheus" / "tests").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["tests"]:
            name, _, case = group["name"].partition(": ")
            cases.setdefault(name, set()).add(case)
    return cases


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_has_a_case_for_each_way_to_fire_and_to_be_quiet(alert: Alert) -> None:
    cases = read_cases()[alert.name]
    if alert.name in ALWAYS:
        assert any("without" in case for case in cases)
    elif alert.name == "LeadSwitchJobAbsent":
        job = alert.labels["job"]
        assert {f"fires for {job}", *(f"{case}: {job}" for case in QUIET)} <= cases
    else:
        assert cases >= FIRES | QUIET
