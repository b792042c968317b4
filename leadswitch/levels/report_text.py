"""Reports as aligned text."""

from datetime import datetime
from typing import Any

from leadswitch.levels.reports import Report


def render_report(report: Report) -> str:
    if not report.rows:
        return f"{report.title}\n{report.empty}"
    cells = [[format_cell(value) for value in row] for row in report.rows]
    headings = [column.replace("_", " ") for column in report.columns]
    widths = [max(len(row[at]) for row in [headings, *cells]) for at in range(len(headings))]
    numeric = [isinstance(value, int) for value in report.rows[0]]
    lines = [
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in [headings, *cells]
    ]
    return "\n".join([report.title, *lines])


def format_cell(value: Any) -> str:
    """Missing values as a dash, times in UTC, numbers with commas."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return f"{value:,}" if isinstance(value, int) else str(value)
