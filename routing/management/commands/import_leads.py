"""`manage.py import_leads`: takes leads in from a CSV file of any making."""

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from routing.handon import HANDS
from routing.leads_import.mapping import ColumnMapping, MappingError, read_mapping
from routing.leads_import.rejects import RejectsFile
from routing.leads_import.run import ImportReport, LeadsImport
from routing.leads_import.table import CsvTable, TableError, open_table
from routing.models import Source
from routing.sources import SourceNotFound, find_source

SHOWN_REASONS: Final = 20
SHOWN_VALUES: Final = 20
EXAMPLES: Final = """
examples:
  manage.py import_leads leads.csv --source web-form \\
      --map 'E-Mail=email' 'Phone=phone' 'Postal Code=zip' 'Roof Age=attributes.roof_age:number' \\
      --default vertical=roofing

  manage.py import_leads requests.csv --source city --allow-no-contact \\
      --map 'Key=external_id' 'Zip=zip' 'Type=vertical' --vertical-map 'HEATING=hvac' '*=other'

A column goes into one of the fields of the API, into consent.<field>, or into attributes.<name>, which may end in
:number or :flag (text otherwise). Values keep their leading apostrophe unless a formula sign follows it.

Run it again after an interruption, or after correcting rows: each row becomes a lead once. What tells rows apart is the
column mapped to external_id or, without one, the file's fingerprint and the line; so map a column of ids when the
file may grow or change.

Refused rows go, as they were and with what is wrong, to FILE.rejects.csv or --rejects; correct them there and import
that file. It holds personal data if the rows do: its owner alone may read it.

exit codes: 0 done, also with refused rows; 1 nothing could be imported, or cut short; 2 wrong options or file
"""


class Command(BaseCommand):
    help = "Take leads in from a CSV file, as if its source had sent them one by one."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=EXAMPLES, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        many: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", required=True, help="the source whose leads they are")
        parser.add_argument(
            "--workspace", default="", metavar="SLUG", help="if several have a source of that name"
        )
        parser.add_argument("--map", dest="maps", **many, metavar="COLUMN=FIELD", help="what goes where")
        parser.add_argument(
            "--default", dest="defaults", **many, metavar="FIELD=VALUE", help="where a row has none"
        )
        parser.add_argument(
            "--vertical-map",
            dest="vertical_maps",
            **many,
            metavar="VALUE=VERTICAL",
            help="verticals of the mapped column's values, or @FILE.csv with both; *=VERTICAL for all others",
        )
        parser.add_argument(
            "--allow-no-contact",
            action="store_true",
            help="take rows with neither phone nor e-mail, such as service requests: nothing identifies the person "
            "(both identity hashes are empty), so such leads are never recognised as coming from the same one",
        )
        parser.add_argument("--dry-run", action="store_true", help="check every row and store none")
        parser.add_argument("--rejects", type=Path, help="where refused rows go (FILE.rejects.csv)")
        parser.add_argument("--encoding", default="auto", help="auto finds UTF-8, UTF-16 and cp1252")
        parser.add_argument(
            "--delimiter", default="auto", help="auto, a character, or tab, comma, semicolon, pipe"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            source = find_source(options["source"], workspace_slug=options["workspace"])
            table = open_table(
                options["file"],
                encoding=_or_auto(options["encoding"]),
                delimiter=_or_auto(options["delimiter"]),
            )
            mapping = read_mapping(
                table.columns,
                maps=options["maps"],
                defaults=options["defaults"],
                vertical_maps=options["vertical_maps"],
            )
            _require_fields(mapping, source=source, allows_no_contact=options["allow_no_contact"])
            rejects = _open_rejects(options["rejects"], table=table)
        except (SourceNotFound, TableError, MappingError) as error:
            raise CommandError(str(error), returncode=2) from None
        with rejects:
            job = LeadsImport(
                table=table,
                mapping=mapping,
                source=source,
                rejects=rejects,
                at=datetime.now(UTC),
                requires_contact=not options["allow_no_contact"],
                is_dry_run=options["dry_run"],
            )
            _run(job)
        HANDS.flush(timeout_seconds=5)
        outcome = _describe(job, seconds=time.monotonic() - started)
        if options["json"]:
            self.stdout.write(json.dumps(outcome))
        else:
            _print(outcome, console=Console(file=cast("IO[str]", self.stdout)))
        if job.report.read and not job.report.accepted and not job.report.already_there:
            raise CommandError("no row could be imported", returncode=1)


def _or_auto(text: str) -> str | None:
    return None if text == "auto" else text


def _require_fields(mapping: ColumnMapping, *, source: Source, allows_no_contact: bool) -> None:
    """Say at once what would be wrong with every row."""
    given = {target.name for _, target in mapping.targets} | {target.name for target, _ in mapping.defaults}
    if "zip" not in given:
        raise MappingError("no column goes into zip; add --map 'column=zip'")
    if "vertical" not in given and not source.default_vertical:
        raise MappingError(
            "nothing gives the vertical; add --map 'column=vertical' or --default vertical=..."
        )
    if not given & {"email", "phone"} and not allows_no_contact:
        raise MappingError("no column goes into email or phone; map one, or say --allow-no-contact")


def _open_rejects(path: Path | None, *, table: CsvTable) -> RejectsFile:
    chosen = path or table.path.with_name(f"{table.path.name}.rejects.csv")
    if chosen.exists() and (not chosen.is_file() or chosen.samefile(table.path)):
        raise TableError(f"--rejects {chosen}: name another file")
    rejects = RejectsFile(chosen, columns=table.columns)
    try:
        rejects.open()
    except OSError as error:
        raise TableError(f"--rejects {chosen}: {error.strerror}; name a file that can be written") from None
    return rejects


def _run(job: LeadsImport) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Importing", total=job.table.size_bytes)
        try:
            job.run(lambda position: progress.update(task, completed=position))
        except Error as error:
            raise CommandError(_cut_short(job.report, cause=type(error).__name__), returncode=1) from None
        except KeyboardInterrupt:
            raise CommandError(_cut_short(job.report, cause="interrupted"), returncode=1) from None


def _cut_short(report: ImportReport, *, cause: str) -> str:
    stored = f"{report.accepted} leads were stored by now"
    return f"cut short ({cause}); {stored}. Run the same command again: it goes on where this ended."


def _describe(job: LeadsImport, *, seconds: float) -> dict[str, Any]:
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
        "reasons": [
            {"field": field, "code": code, "rows": rows}
            for (field, code), rows in report.reasons.most_common()
        ],
        "unmapped_values": dict(unmapped.most_common()),
        "rejects_file": str(job.rejects.path) if report.rejected else None,
        "seconds": round(seconds, 2),
    }


def _print(outcome: dict[str, Any], *, console: Console) -> None:
    dry_run = " (dry run: nothing was stored)" if outcome["dry_run"] else ""
    console.print(
        f"{outcome['file']} into {outcome['workspace']}/{outcome['source']}{dry_run}", soft_wrap=True
    )
    table = Table()
    table.add_column("rows")
    table.add_column("count", justify="right")
    table.add_row("read", f"{outcome['read']:,}")
    table.add_row("would be accepted" if outcome["dry_run"] else "accepted", f"{outcome['accepted']:,}")
    table.add_row("already there", f"{outcome['already_there']:,}")
    table.add_row("rejected", f"{outcome['rejected']:,}", end_section=True)
    for reason in outcome["reasons"][:SHOWN_REASONS]:
        table.add_row(f"  {reason['field'] or 'row'}: {reason['code']}", f"{reason['rows']:,}")
    console.print(table)
    values = list(outcome["unmapped_values"].items())[:SHOWN_VALUES]
    if values:
        console.print("Not in --vertical-map:", ", ".join(f"{value} ({rows})" for value, rows in values))
    if outcome["rejects_file"]:
        console.print(f"Refused rows, to correct and import: {outcome['rejects_file']}", soft_wrap=True)
