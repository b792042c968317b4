"""Variables of whom Datadog's monitors notify."""

import re
from typing import Final

from leadswitch.env.parse import BadEnvironment
from leadswitch.env.variable import Section, Variable

HANDLES: Final = re.compile(r"@[^\s{}]+( @[^\s{}]+)*")


def parse_handles(name: str, text: str) -> str:
    """One or more handles of Datadog with spaces between them."""
    if not HANDLES.fullmatch(text):
        raise BadEnvironment(name, f"{text!r} is not a handle", "Use @pagerduty-NAME or @slack-CHANNEL")
    return text


class Notify(Section):
    TITLE = "Who is notified by Datadog's monitors, read by `manage.py dashboards` (docs/dashboards.md)"

    datadog_page_handle = Variable(
        "LEADSWITCH_DATADOG_PAGE_HANDLE",
        parse_handles,
        default="@pagerduty-LeadSwitch",
        help="Handles that get pages, separated by spaces.",
    )
    datadog_warning_handle = Variable(
        "LEADSWITCH_DATADOG_WARNING_HANDLE",
        parse_handles,
        default="@slack-leadswitch-alerts",
        help="Handles that get warnings, separated by spaces.",
    )
