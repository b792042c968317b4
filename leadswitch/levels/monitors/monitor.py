"""Monitors as Datadog's JSON.

An alert with one condition is one monitor. With several, each condition is a monitor that sends no notification, and a
composite monitor joins them. Its query names them as <name>, because Datadog assigns their ids.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from leadswitch.levels.alerts.alert import Alert, Severity
from leadswitch.levels.alerts.files import Links
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.datadog import make_dashboard_title
from leadswitch.levels.dashboards.datadog_agent import AGENT_CHECK
from leadswitch.levels.dashboards.datadog_query import NAMESPACE, FormulaQueries, to_formula
from leadswitch.levels.monitors.condition import Condition, JobDown, Watch
from leadswitch.levels.monitors.watches import LEFT_OUT, watch

# As in the routes of the Alertmanager: repeat_interval.
RENOTIFY_MINUTES: Final = {Severity.PAGE: 60, Severity.WARNING: 12 * 60}
PRIORITIES: Final = {Severity.PAGE: 1, Severity.WARNING: 3}
# The Agent reads every 15 s and sends every 15 s, so the last minute is incomplete.
EVALUATION_DELAY_SECONDS: Final = 60
# A shard, collector or workspace is new when it first has a value.
NEW_GROUP_DELAY_SECONDS: Final = 60
# A warning only changes the color of the monitor.
NOTIFIED_STATES: Final = ("is_alert", "is_no_data", "is_alert_recovery", "is_no_data_recovery")
AGENT_INTERVAL_SECONDS: Final = 15
HEALTH_CHECK: Final = f"{NAMESPACE}.{AGENT_CHECK}"
HOURS_PER_DAY: Final = 24
VALUE: Final = re.compile(r"\{\{ \$value(?: \| (?P<form>\w+)[^}]*)? \}\}")
LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
QUERY_NAME: Final = re.compile(r"query\d+")


@dataclass(frozen=True, slots=True)
class Contacts:
    """Whom monitors notify, as Datadog's handles, and where they point."""

    page: str = "@pagerduty-LeadSwitch"
    warning: str = "@slack-leadswitch-alerts"
    runbooks: str = Links().runbooks
    dashboards: str = "https://app.datadoghq.com/dashboard/lists"


def make_monitors(contacts: Contacts) -> list[dict[str, Any]]:
    """A composite follows the monitors that it joins."""
    return [
        monitor
        for alert in ALERTS
        if alert.name not in LEFT_OUT
        for monitor in _make_monitors(alert, contacts)
    ]


def make_name(alert: Alert) -> str:
    """Alerts that share a name differ in their windows or their job."""
    if "slo" in alert.labels:
        return f"{alert.name} {alert.labels['long']}/{alert.labels['short']}"
    return f"{alert.name} {alert.labels['job']}" if "job" in alert.labels else alert.name


def _make_monitors(alert: Alert, contacts: Contacts) -> Iterator[dict[str, Any]]:
    watched = watch(alert)
    if isinstance(watched, JobDown):
        yield _make_job_monitor(alert, watched, contacts)
        return
    if len(watched.conditions) == 1:
        yield _make_metric_monitor(alert, watched, contacts)
        return
    yield from (_make_part(alert, condition) for condition in watched.conditions)
    yield _make_composite(alert, watched, contacts)


def _make_metric_monitor(alert: Alert, watched: Watch, contacts: Contacts) -> dict[str, Any]:
    (condition,) = watched.conditions
    notified = _notify(alert, _summarize(alert, watched), contacts)
    notified["options"] |= _make_metric_options(condition) | {"thresholds": _make_thresholds(condition)}
    return {"name": make_name(alert), "type": "query alert", "query": make_query(condition), **notified}


def _make_part(alert: Alert, condition: Condition) -> dict[str, Any]:
    options = _make_metric_options(condition) | {"thresholds": {"critical": condition.limit}}
    return {
        "name": _name_part(alert, condition),
        "type": "query alert",
        "query": make_query(condition),
        "message": f"Part of the monitor {make_name(alert)}. It notifies no one.",
        "tags": [*_make_tags(alert), "part:true"],
        "options": options,
    }


def _make_composite(alert: Alert, watched: Watch, contacts: Contacts) -> dict[str, Any]:
    names = [f"<{_name_part(alert, condition)}>" for condition in watched.conditions]
    notified = _notify(alert, _summarize(alert, watched), contacts)
    notified["options"]["notify_no_data"] = any(each.tells_no_data for each in watched.conditions)
    return {"name": make_name(alert), "type": "composite", "query": " && ".join(names), **notified}


def _name_part(alert: Alert, condition: Condition) -> str:
    return f"{make_name(alert)}: {condition.part}"


def _make_job_monitor(alert: Alert, watched: JobDown, contacts: Contacts) -> dict[str, Any]:
    """The Agent reports at each check whether it could read the endpoint of a container.

    One group for the job: a new container has a new endpoint, and one that reads is enough.
    """
    checks = 60 * _minutes(alert.holds_for) // AGENT_INTERVAL_SECONDS
    query = f'"{HEALTH_CHECK}".over("job:{watched.job}").by("job").last({checks}).count_by_status()'
    notified = _notify(alert, alert.summary.replace("Prometheus", "The Agent"), contacts)
    notified["options"] |= {
        "thresholds": {"critical": checks, "warning": checks // 2, "ok": 1},
        "notify_no_data": True,
        "no_data_timeframe": 2 * _minutes(alert.holds_for),
    }
    return {"name": make_name(alert), "type": "service check", "query": query, **notified}


def make_query(condition: Condition) -> str:
    queries = FormulaQueries()
    formula = to_formula(condition.expression, queries)
    text = QUERY_NAME.sub(lambda name: queries.by_name[name[0]], formula)
    if condition.is_zero_without_data:
        text = f"default_zero({text})"
    window = f"{condition.aggregation}(last_{_window(condition.window)})"
    if condition.compared_with:
        window = f"pct_change({window},{condition.compared_with}_ago)"
    return f"{window}:{text} {condition.compare} {condition.limit:g}"


def _window(window: str) -> str:
    """Datadog has no windows of several days, but of 168 hours."""
    return f"{HOURS_PER_DAY * int(window[:-1])}h" if window.endswith("d") else window


def _minutes(duration: str) -> int:
    return int(duration.removesuffix("m"))


def _make_metric_options(condition: Condition) -> dict[str, Any]:
    return {
        "evaluation_delay": EVALUATION_DELAY_SECONDS,
        "new_group_delay": NEW_GROUP_DELAY_SECONDS,
        "notify_no_data": condition.tells_no_data,
        "require_full_window": False,
    }


def _make_thresholds(condition: Condition) -> dict[str, float]:
    warning = {} if condition.warning is None else {"warning": condition.warning}
    return {"critical": condition.limit, **warning}


def _notify(alert: Alert, summary: str, contacts: Contacts) -> dict[str, Any]:
    """What a monitor that notifies has beside its query."""
    runbook = f"{contacts.runbooks}/{alert.runbook}.md"
    return {
        "message": _make_message(alert, summary, runbook, contacts),
        "tags": _make_tags(alert),
        "priority": PRIORITIES[alert.severity],
        "assets": [{"category": "runbook", "name": "Runbook", "url": runbook}],
        "options": {
            "include_tags": True,
            "notify_audit": False,
            "notify_no_data": False,
            "renotify_interval": RENOTIFY_MINUTES[alert.severity],
            "renotify_statuses": ["alert", "no data"],
        },
    }


def _make_message(alert: Alert, summary: str, runbook: str, contacts: Contacts) -> str:
    (board,) = (board for board in BOARDS if board.uid == alert.dashboard)
    title = make_dashboard_title(board)
    handle = contacts.page if alert.severity is Severity.PAGE else contacts.warning
    lines = (
        summary,
        f"Normal: {alert.normal}.",
        f"[Runbook]({runbook})",
        f"[Dashboard {title}]({contacts.dashboards}?q={quote(title)})",
        "".join(f"{{{{#{state}}}}}{handle}{{{{/{state}}}}}" for state in NOTIFIED_STATES),
    )
    return "\n".join(lines)


def _summarize(alert: Alert, watched: Watch) -> str:
    """The alert's summary with Datadog's variables. A composite calls the value of its first monitor a.value."""
    value = "{{value}}" if len(watched.conditions) == 1 else "{{a.value}}"
    text = VALUE.sub(
        lambda found: value + (" s" if found["form"] == "humanizeDuration" else ""), alert.summary
    )
    return watched.summary or LABEL.sub(r"{{\1.name}}", text)


def _make_tags(alert: Alert) -> list[str]:
    return ["team:leadswitch", *(f"{label}:{value}" for label, value in alert.all_labels.items())]
