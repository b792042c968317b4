"""The result of an import, as one JSON object and as a table. It contains no personal data."""

from collections import Counter
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from routing.intake.corrections import describe_note
from routing.intake.csv.header import looks_like_data
from routing.intake.csv.run import LeadsImport

SHOWN_REASONS: Final = 20
SHOWN_VALUES: Final = 20


def describe_import(job: LeadsImport, *, seconds: float) -> dict[str, Any]:
    report = job.report
    unmapped = job.mapping.verticals.unmapped if job.mapping.verticals else Counter[str]()
    return {
        "file": str(job.table.path),
        "workspace": job.source.workspace.slug,
        "source": job.source.name,
        "dry_run": job.is_dry_run,
        "encoding": job.table.encoding,
        "delimiter": job.table.delimiter,
        "read": report.read,
        "accepted": report.accepted,
        "already_there": report.already_there,
        "rejected": report.rejected,
        "corrected": report.corrected,
        "corrections": dict(report.corrections.most_common()),
        "repeated_in_file": report.repeats.count,
        "repeats": report.repeats.shown,
        "reasons": [
            {"field": field, "code": code, "rows": rows}
            for (field, code), rows in report.reasons.most_common()
        ],
        "unmapped_values": _hide_people(unmapped),
        "rejects_file": str(job.rejects.path) if report.rejected else None,
        "seconds": round(seconds, 2),
    }


def _hide_people(values: Counter[str]) -> dict[str, int]:
    """Hide values that look like personal data: the wrong column may have been mapped to the vertical."""
    shown = {value: rows for value, rows in values.most_common() if not looks_like_data([value])}
    hidden = values.total() - sum(shown.values())
    return shown | ({"(looks like personal data: not shown)": hidden} if hidden else {})


def print_import(outcome: dict[str, Any], *, console: Console) -> None:
    dry_run = " (dry run: nothing was stored)" if outcome["dry_run"] else ""
    console.print(
        f"{outcome['file']} into {outcome['workspace']}/{outcome['source']}{dry_run}", soft_wrap=True
    )
    table = Table()
    table.add_column("rows")
    table.add_column("count", justify="right")
    table.add_row("read", f"{outcome['read']:,}")
    table.add_row("would be accepted" if outcome["dry_run"] else "accepted", f"{outcome['accepted']:,}")
    table.add_row("already stored", f"{outcome['already_there']:,}")
    if outcome["repeated_in_file"]:
        table.add_row("same person as an earlier row", f"{outcome['repeated_in_file']:,}")
    if outcome["corrected"]:
        table.add_row("accepted with a correction", f"{outcome['corrected']:,}")
    for note, rows in list(outcome["corrections"].items())[:SHOWN_REASONS]:
        table.add_row(f"  {describe_note(note)}", f"{rows:,}")
    table.add_row("rejected", f"{outcome['rejected']:,}", end_section=True)
    for reason in outcome["reasons"][:SHOWN_REASONS]:
        table.add_row(f"  {reason['field'] or 'row'}: {reason['code']}", f"{reason['rows']:,}")
    console.print(table)
    values = list(outcome["unmapped_values"].items())[:SHOWN_VALUES]
    if values:
        console.print("Not in --vertical-map:", ", ".join(f"{value} ({rows})" for value, rows in values))
    if outcome["rejects_file"]:
        console.print(
            f"Rejected rows, to correct and import again: {outcome['rejects_file']}", soft_wrap=True
        )
