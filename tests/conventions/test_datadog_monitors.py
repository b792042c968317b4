"""Monitors of Datadog: one for each alert, with its limits and windows, valid by the models of Datadog's API client."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any, Final

import promql_parser
import pytest
import yaml
from datadog_api_client.v1.model.monitor import Monitor

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Alert, Severity
from leadswitch.levels.alerts.burn import BURNS
from leadswitch.levels.alerts.call_alerts import make_call_recordings
from leadswitch.levels.alerts.files import Links, make_rule
from leadswitch.levels.alerts.notify import make_alertmanager
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.call_limits import LEAST_RUNG
from leadswitch.levels.dashboards.datadog_agent import AGENT_CHECK, list_families, list_series
from leadswitch.levels.monitors.condition import JobDown
from leadswitch.levels.monitors.monitor import (
    EVALUATION_DELAY_SECONDS,
    RENOTIFY_MINUTES,
    Contacts,
    make_monitors,
    make_name,
)
from leadswitch.levels.monitors.watches import LEFT_OUT, WATCHES, watch
from leadswitch.levels.objectives import OBJECTIVES
from tests.support.datadog_models import list_problems
from tests.support.exported_series import list_selectors

CONTACTS: Final = Contacts(page="@page-me", warning="@warn-me", runbooks="https://example.com/runbooks")
MONITORS: Final = make_monitors(CONTACTS)
BY_NAME: Final = {monitor["name"]: monitor for monitor in MONITORS}
NOTIFYING: Final = [monitor for monitor in MONITORS if "part:true" not in monitor["tags"]]
WATCHED: Final = [alert for alert in ALERTS if alert.name not in LEFT_OUT]
MEASURED: Final = [alert for alert in WATCHED if alert.name in WATCHES]
COMPARISONS: Final = {">", ">=", "<", "<=", "=="}
# Datadog cannot compare a gauge with its own highest value, but with its value an hour or a week ago, in percent.
OTHER_LIMITS: Final = {
    "LeadSwitchWorkersHalved": {-50.0},
    "LeadSwitchAnswerRateHalved": {-50.0, float(LEAST_RUNG)},
}
OFFSET: Final = " offset 1w"
SUBMONITOR: Final = re.compile(r"<([^<>]+)>")
MAX_SUBMONITORS: Final = 10
# Times of the evaluation that Datadog takes: docs of "Create a monitor".
WINDOW: Final = re.compile(r"\(last_(\d+)([mh])\)")
LONGEST_HOURS: Final = 168
# One group for each job: the endpoint of a container that was replaced never sends again, which is "no data".
SERVICE_CHECK: Final = re.compile(r'^"([\w.]+)"\.over\("(job:[\w-]+)"\)\.by\("job"\)\.last')


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor["name"])
def test_monitor_is_valid(monitor: dict[str, Any]) -> None:
    assert list_problems(monitor, Monitor) == []


@pytest.mark.parametrize(
    "change", [{"type": "no such type"}, {"mesage": "typo"}, {"options": {"renotify": 1}}]
)
def test_check_finds_what_the_client_accepts(change: dict[str, Any]) -> None:
    assert list_problems(MONITORS[0] | change, Monitor)


def test_every_alert_has_a_monitor_or_a_reason() -> None:
    names = Counter(alert.name for alert in ALERTS)
    assert LEFT_OUT.keys() <= names.keys()
    assert all(len(reason.split()) > 5 for reason in LEFT_OUT.values())
    assert WATCHES.keys() <= names.keys() - LEFT_OUT.keys()
    assert sorted(monitor["name"] for monitor in NOTIFYING) == sorted(map(make_name, WATCHED))
    assert len(BY_NAME) == len(MONITORS)


@pytest.mark.parametrize("alert", WATCHED, ids=make_name)
def test_monitor_has_the_text_of_its_alert(alert: Alert) -> None:
    monitor = BY_NAME[make_name(alert)]
    rule = make_rule(alert, Links(runbooks=CONTACTS.runbooks))
    message = monitor["message"]
    assert rule["annotations"]["runbook_url"] in message
    assert monitor["assets"][0]["url"] == rule["annotations"]["runbook_url"]
    assert f"Normal: {alert.normal}." in message
    assert "dashboard/lists?q=LeadSwitch%3A%20" in message
    assert "$" not in message
    assert set(re.findall(r"@\S+?(?=\{)", message)) == {
        CONTACTS.page if alert.severity is Severity.PAGE else CONTACTS.warning
    }
    assert set(monitor["tags"]) == {"team:leadswitch"} | {f"{k}:{v}" for k, v in rule["labels"].items()}
    assert monitor["priority"] == {Severity.PAGE: 1, Severity.WARNING: 3}[alert.severity]


def test_monitors_notify_again_as_often_as_the_alertmanager() -> None:
    routes = make_alertmanager(watchdog_url="")["route"]
    (page,) = (each for each in routes["routes"] if each["matchers"] == ['severity="page"'])
    hours = {Severity.PAGE: page["repeat_interval"], Severity.WARNING: routes["repeat_interval"]}
    assert hours == {severity: f"{minutes // 60}h" for severity, minutes in RENOTIFY_MINUTES.items()}


def test_only_parts_of_composites_send_no_notification() -> None:
    assert all(("@" in monitor["message"]) == (monitor in NOTIFYING) for monitor in MONITORS)


def test_composite_joins_the_parts_before_it() -> None:
    seen: set[str] = set()
    used: set[str] = set()
    for monitor in MONITORS:
        if monitor["type"] == "composite":
            names = SUBMONITOR.findall(monitor["query"])
            assert monitor["query"] == " && ".join(f"<{name}>" for name in names)
            assert 2 <= len(names) <= MAX_SUBMONITORS
            assert set(names) <= seen
            assert {BY_NAME[name]["type"] for name in names} == {"query alert"}
            used |= set(names)
        seen.add(monitor["name"])
    assert used == {monitor["name"] for monitor in MONITORS if monitor not in NOTIFYING}


def test_options_are_complete() -> None:
    for monitor in MONITORS:
        options = monitor["options"]
        assert isinstance(options["notify_no_data"], bool)
        if monitor["type"] == "query alert":
            assert options["evaluation_delay"] == EVALUATION_DELAY_SECONDS
            assert options["require_full_window"] is False
            check_thresholds(monitor["query"], options["thresholds"])
        if monitor in NOTIFYING:
            assert options["renotify_interval"] > 0


def check_thresholds(query: str, thresholds: dict[str, float]) -> None:
    """Datadog refuses a threshold that the query does not name, and a warning on the wrong side."""
    compare, limit = re.search(r" (>=|>|<=|<|==) (\S+)$", query).groups()  # type: ignore[union-attr]
    assert float(limit) == thresholds["critical"]
    if "warning" in thresholds:
        assert compare == ">"
        assert 0 < thresholds["warning"] < thresholds["critical"]


def test_windows_are_those_that_datadog_takes() -> None:
    for monitor in MONITORS:
        if monitor["type"] == "query alert":
            ((number, unit),) = WINDOW.findall(monitor["query"])
            assert 0 < int(number) <= {"m": 60, "h": LONGEST_HOURS}[unit]


def test_some_monitors_warn_before_they_alert() -> None:
    assert BY_NAME["LeadSwitchDueRetriesCritical"]["options"]["thresholds"] == {
        "critical": 500,
        "warning": 250,
    }
    assert BY_NAME["LeadSwitchTwoLeaders"]["options"]["thresholds"] == {"critical": 1}


def list_limits(expression: promql_parser.Expr) -> set[float]:
    found: set[float] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.BinaryExpr) and str(node.op) in COMPARISONS:
            found.update({node.rhs.val} if isinstance(node.rhs, promql_parser.NumberLiteral) else set())

    promql_parser.walk(expression, pre_visit=visit)
    return found


def spell_out(expression: str) -> str:
    """With the rules that Prometheus records in place of their names: Datadog does not have those."""
    for rule in make_call_recordings():
        expression = expression.replace(OFFSET, "").replace(rule["record"], f"({rule['expr']})")
    return expression


@pytest.mark.parametrize("alert", MEASURED, ids=make_name)
def test_monitor_has_the_series_limits_and_windows_of_the_alert(alert: Alert) -> None:
    expression = spell_out(alert.expression)
    watched, parsed = watch(alert), promql_parser.parse(expression)
    assert not isinstance(watched, JobDown)
    series = {each.name for condition in watched.conditions for each in list_series(condition.expression)}
    assert series == {str(selector.name).removesuffix("_bucket") for selector in list_selectors(parsed)}
    limits = {float(condition.limit) for condition in watched.conditions}
    assert limits == OTHER_LIMITS.get(alert.name, list_limits(parsed))
    ranges = set(re.findall(r"\[(\w+)\]", expression))
    windows = {alert.holds_for, *ranges} if alert.holds_for.endswith("m") or ranges else {"1m"}
    assert {condition.window for condition in watched.conditions} <= windows


@pytest.mark.parametrize("alert", MEASURED, ids=make_name)
def test_monitor_selects_the_label_values_of_the_alert(alert: Alert) -> None:
    """`failed|retry` in PromQL are two values in Datadog."""
    watched = watch(alert)
    assert not isinstance(watched, JobDown)
    asked = {
        (each.name, match.label, frozenset(match.values), match.is_excluded)
        for condition in watched.conditions
        for each in list_series(condition.expression)
        for match in each.where
    }
    wanted = {
        (str(selector.name), matcher.name, frozenset(matcher.value.split("|")), str(matcher.op) in NEGATED)
        for selector in list_selectors(promql_parser.parse(spell_out(alert.expression)))
        for matcher in selector.matchers.matchers
    }
    assert asked == wanted


NEGATED: Final = {"MatchOp.NotEqual", "MatchOp.NotRe"}


def test_negated_matchers_are_recognized() -> None:
    """The control of the test above: the parser's own names."""
    (selector,) = list_selectors(promql_parser.parse('a{b="1", c!="1", d=~"1", e!~"1"}'))
    assert [str(each.op) in NEGATED for each in selector.matchers.matchers] == [False, True, False, True]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_burn_rates_have_the_numbers_of_the_rules(objective: Any) -> None:
    for burn in BURNS:
        (alert,) = (
            each
            for each in ALERTS
            if each.labels == {"slo": objective.name, "long": burn.long, "short": burn.short}
        )
        queries = [BY_NAME[name]["query"] for name in SUBMONITOR.findall(BY_NAME[make_name(alert)]["query"])]
        ends = [re.search(r"^sum\(last_(\w+)\).* (>=?) (\S+)$", query).groups() for query in queries]  # type: ignore[union-attr]
        limit = f"{burn.factor * objective.budget:g}"
        long = {"3d": "72h"}.get(burn.long, burn.long)
        assert ends == [
            (long, ">", limit),
            (burn.short, ">", limit),
            (long, ">=", str(burn.least_bad_long)),
            (burn.short, ">=", str(burn.least_bad_short)),
        ]


def test_absent_jobs_are_those_that_the_agent_reads() -> None:
    queries = [monitor["query"] for monitor in MONITORS if monitor["type"] == "service check"]
    instances = [
        each
        for path in (REPOSITORY / "ops" / "datadog" / "openmetrics.d").glob("*.yaml")
        for each in yaml.safe_load(path.read_text())["instances"]
    ]
    checked = {SERVICE_CHECK.search(query).groups() for query in queries}  # type: ignore[union-attr]
    assert checked == {(f"{each['namespace']}.{AGENT_CHECK}", each["tags"][0]) for each in instances}


def test_monitors_query_only_series_that_the_agent_sends() -> None:
    sent = set(list_families())
    for alert in WATCHED:
        watched = watch(alert)
        conditions = () if isinstance(watched, JobDown) else watched.conditions
        for condition in conditions:
            for series in list_series(condition.expression):
                assert series.name.removesuffix("_total").removesuffix("_count") in sent


def test_new_alert_without_conditions_is_named_with_the_tables_to_change() -> None:
    new = replace(ALERTS[-1], name="LeadSwitchUnwatched", labels={})
    with pytest.raises(
        LookupError, match=r"^LeadSwitchUnwatched has no monitor: add .* WATCHES, .* LEFT_OUT$"
    ):
        watch(new)
