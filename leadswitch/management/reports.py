"""Prints the reports of the runbooks."""

from collections.abc import Sequence

from django.core.management.base import OutputWrapper

from leadswitch.levels.report_text import render_report
from leadswitch.levels.reports import Report


def print_reports(out: OutputWrapper, reports: Sequence[Report]) -> None:
    out.write("\n\n".join(render_report(each) for each in reports))
