"""Who gets which alert: the Alertmanager's routes, receivers and inhibition."""

from typing import Any, Final

from leadswitch.levels.alerts.alert import Severity
from leadswitch.levels.alerts.rows import ALERTS

SECRETS: Final = "/run/secrets"
PAGER, CHAT, DIGEST, WATCHDOG = "pager", "chat", "digest", "watchdog"
SLACK_TITLE: Final = "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}"
SLACK_TEXT: Final = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n"
    "<{{ .Annotations.runbook_url }}|Runbook> · <{{ .Annotations.dashboard_url }}|Dashboard>\n{{ end }}"
)


def make_alertmanager(*, watchdog_url: str) -> dict[str, Any]:
    return {
        "global": {"resolve_timeout": "5m"},
        "route": _make_route(),
        "inhibit_rules": _make_inhibition(),
        "receivers": _make_receivers(watchdog_url),
    }


def _make_route() -> dict[str, Any]:
    """An alert of an unknown severity goes to the chat. A page waits 10 s for others of its group."""
    return {
        "receiver": CHAT,
        "group_by": ["alertname", "slo", "job"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [
            {
                "receiver": PAGER,
                "matchers": [_severity(Severity.PAGE)],
                "group_wait": "10s",
                "group_interval": "1m",
                "repeat_interval": "1h",
            },
            {"receiver": CHAT, "matchers": [_severity(Severity.WARNING)]},
            {
                "receiver": DIGEST,
                "matchers": [_severity(Severity.DIGEST)],
                "group_wait": "0s",
                "repeat_interval": "20h",
            },
            {
                "receiver": WATCHDOG,
                "matchers": [_severity(Severity.NONE)],
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": "5m",
            },
        ],
    }


def _make_inhibition() -> list[dict[str, Any]]:
    """Only warnings are silenced: by a page of the same kind, and by the absence of the only job that they read."""
    absent = [
        {
            "source_matchers": [f'alertname="{alert.name}"', f'job="{alert.labels["job"]}"'],
            "target_matchers": [_severity(Severity.WARNING), f'reads="{alert.labels["job"]}"'],
        }
        for alert in ALERTS
        if alert.labels.get("job") in {str(each.reads) for each in ALERTS if each.reads}
    ]
    page = {
        "source_matchers": [_severity(Severity.PAGE)],
        "target_matchers": [_severity(Severity.WARNING)],
        "equal": ["kind"],
    }
    return [page, *absent]


def _make_receivers(watchdog_url: str) -> list[dict[str, Any]]:
    return [
        {
            "name": PAGER,
            "pagerduty_configs": [
                {
                    "routing_key_file": f"{SECRETS}/pagerduty_routing_key",
                    "severity": "critical",
                    "description": "{{ .CommonLabels.alertname }}: {{ (index .Alerts 0).Annotations.summary }}",
                    "details": {"runbook": "{{ (index .Alerts 0).Annotations.runbook_url }}"},
                    "links": [
                        {"href": "{{ (index .Alerts 0).Annotations.runbook_url }}", "text": "Runbook"},
                        {"href": "{{ (index .Alerts 0).Annotations.dashboard_url }}", "text": "Dashboard"},
                    ],
                }
            ],
        },
        {"name": CHAT, "slack_configs": [_make_slack(channel="#leadswitch-alerts", sends_resolved=True)]},
        {"name": DIGEST, "slack_configs": [_make_slack(channel="#leadswitch-daily", sends_resolved=False)]},
        {"name": WATCHDOG, "webhook_configs": [{"url": watchdog_url, "send_resolved": False}]},
    ]


def _make_slack(*, channel: str, sends_resolved: bool) -> dict[str, Any]:
    return {
        "api_url_file": f"{SECRETS}/slack_url",
        "channel": channel,
        "send_resolved": sends_resolved,
        "title": SLACK_TITLE,
        "text": SLACK_TEXT,
    }


def _severity(severity: Severity) -> str:
    return f'severity="{severity}"'
