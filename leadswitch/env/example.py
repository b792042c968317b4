"""The text of .env.example, made from the registry."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from leadswitch.env.parse import IntegerRange
from leadswitch.env.registry import SECTIONS
from leadswitch.env.variable import Variable

WIDTH: Final = 120
INTRODUCTION: Final = (
    "Every variable that LeadSwitch reads. Copy this file to .env and uncomment what you change. The process"
    " environment overrides .env. A process refuses to start with a misspelled LEADSWITCH_ name or a malformed value,"
    " and names it. `make env-example` writes this file."
)
COMPOSE_TITLE: Final = "docker-compose.yml only"


@dataclass(frozen=True, slots=True)
class ComposeVariable:
    """What docker-compose.yml itself reads, and the product does not."""

    name: str
    help: str
    example: str = ""


COMPOSE_VARIABLES: Final = (
    ComposeVariable(
        "POSTGRES_PASSWORD", "The password of the database role leadswitch. Letters and digits only."
    ),
    ComposeVariable(
        "TLS_DIRECTORY",
        "The directory of fullchain.pem and privkey.pem, such as /etc/letsencrypt/live/NAME of Let's Encrypt with its"
        " links resolved.",
    ),
    ComposeVariable("HTTP_PORT", "The port on which the proxy redirects HTTP to HTTPS.", "80"),
    ComposeVariable("HTTPS_PORT", "The port on which the proxy serves the product.", "443"),
    ComposeVariable(
        "GRAFANA_PASSWORD",
        "The password of Grafana's user admin, for `--profile monitoring` (docs/dashboards.md).",
    ),
    ComposeVariable("PAGERDUTY_ROUTING_KEY", "The key of the PagerDuty service that the Alertmanager pages."),
    ComposeVariable("SLACK_URL", "The address of the Slack webhook for warnings and the daily summary."),
)


def render_example() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _comment(INTRODUCTION)
    for section in SECTIONS:
        yield from ("", *_comment(f"--- {section.TITLE}"))
        for variable in section.own_variables():
            yield from (*_comment(_help_of(variable)), f"#{variable.name}={variable.example}")
    yield from ("", *_comment(f"--- {COMPOSE_TITLE}"))
    for each in COMPOSE_VARIABLES:
        yield from (*_comment(each.help), f"#{each.name}={each.example}")


def _help_of(variable: Variable[Any]) -> str:
    return (
        f"{variable.help} Range: {variable.parse}."
        if isinstance(variable.parse, IntegerRange)
        else variable.help
    )


def _comment(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
