"""Prints the reports of the runbooks."""

from collections.abc import Sequence

from django.core.management.base import CommandParser, OutputWrapper

from leadswitch.levels.report_text import render_report
from leadswitch.levels.reports import Report
from tracing.parsing import positive_argument


def print_reports(out: OutputWrapper, reports: Sequence[Report]) -> None:
    out.write("\n\n".join(render_report(each) for each in reports))


def add_limit(parser: CommandParser, *, default: int) -> None:
    text = f"print at most N rows per table ({default})"
    parser.add_argument("--limit", type=positive_argument, default=default, metavar="N", help=text)
