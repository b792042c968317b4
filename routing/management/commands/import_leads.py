"""`manage.py import_leads`: imports leads from a CSV file or workbook, whichever program wrote it."""

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import Error
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from routing.access.named import NameNotFound
from routing.calendar.zones import UnknownTimezone, load_zone
from routing.dispatch.enqueue import ENQUEUER
from routing.intake.csv.mapping import ColumnMapping
from routing.intake.csv.mapping_options import MappingError, name_columns, read_mapping
from routing.intake.csv.rejects import ImportRunning, RejectsFile
from routing.intake.csv.report import describe_import, print_import
from routing.intake.csv.rows import Table, TableError
from routing.intake.csv.run import ImportReport, LeadsImport
from routing.intake.csv.table import open_table
from routing.intake.sources import find_source
from routing.models import Source
from tracing.parsing import positive_argument
from tracing.wording import count

ROWS_PER_LINE: Final = 10_000
# How long a stalled Redis may take to accept the imported leads.
DRAIN_SECONDS: Final = 10.0
EXAMPLES: Final = """
examples:
  manage.py import_leads leads.csv --source web-form \\
      --map 'Email=email' 'Phone=phone' 'Postal Code=zip' 'Roof Age=attributes.roof_age:number' \\
      --default vertical=roofing

  manage.py import_leads requests.csv --source city --allow-no-contact \\
      --map 'Key=external_id' 'Zip=zip' 'Type=vertical' --vertical-map 'HEATING=hvac' '*=other'

  manage.py import_leads leads.xlsx --source web-form --sheet March --zone America/Chicago \\
      --map 'Name=full_name' 'Phone=phone' 'Zip=zip' 'Date=received_at' --default vertical=roofing

Reads CSV (.csv, .csv.gz) and workbooks (.xlsx). The header is the first row that has all mapped columns, so there may
be titles above it. A column is mapped to a field of the API, to full_name, received_at or consent.<field>, or to
attributes.<name>, which may end in :number or :flag (the default is text). Values keep a leading apostrophe unless a
formula sign or digits follow it. A date without a time means the start of that day. A time without an offset is read
in --zone. A ZIP code of four digits gets its leading zero back if its state or the list of ZIP codes leaves no doubt.

A lenient source accepts a row whose optional field cannot be read, without that field; the report counts such rows.

You can run the command again after an interruption or after correcting rows: each row becomes a lead only once. Rows
are identified by the column mapped to external_id or, without one, by their content. A row that changes after it was
imported becomes a new lead, so map a column of ids if there is one.

Rejected rows are written unchanged, with what is wrong, to FILE.rejects.csv or --rejects, or to the next free name if
that file exists. Correct the rows there and import that file. It holds personal data if the rows do; only its owner
can read it.

exit codes: 0 done, even with rejected rows; 1 nothing was imported, or it was interrupted; 2 invalid options or file
"""


class Command(BaseCommand):
    help = "Import leads from a CSV file or an .xlsx workbook, as if the source had sent them one by one."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=EXAMPLES, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        _add_leads_arguments(parser)
        _add_mapping_arguments(parser)
        _add_file_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="check every row without storing any")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            job = _prepare(options)
        except (NameNotFound, TableError, MappingError) as error:
            raise CommandError(str(error), returncode=2) from None
        except UnknownTimezone as error:
            raise CommandError(f"--zone {options['zone']}: {error}", returncode=2) from None
        except ImportRunning:
            message = f"another import of {options['file']} is running: wait until it ends"
            raise CommandError(message, returncode=1) from None
        with job.rejects:
            _run(job, stderr=self.stderr)
        left = ENQUEUER.drain(timeout_seconds=DRAIN_SECONDS)
        if left:
            self.stderr.write(
                f"Stored but not enqueued yet: {count(left, 'lead')}. All start within a minute."
            )
        outcome = describe_import(job, seconds=time.monotonic() - started)
        if options["json"]:
            self.stdout.write(json.dumps(outcome))
        else:
            print_import(outcome, console=Console(file=cast("IO[str]", self.stdout)))
        if job.report.read and not job.report.accepted and not job.report.already_there:
            raise CommandError("no row could be imported", returncode=1)


def _add_leads_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .csv, .csv.gz or .xlsx file")
    parser.add_argument("--source", required=True, help="the source of the leads")
    parser.add_argument(
        "--workspace",
        default="",
        metavar="SLUG",
        help="required if more than one workspace has a source with that name",
    )
    parser.add_argument(
        "--allow-no-contact",
        action="store_true",
        help="accept rows without a phone or an email, such as service requests. Such leads are never duplicates,"
        " because they have no identity",
    )


def _add_mapping_arguments(parser: ArgumentParser) -> None:
    many: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    parser.add_argument(
        "--map", dest="maps", **many, metavar="COLUMN=FIELD", help="the field for each column"
    )
    parser.add_argument(
        "--default",
        dest="defaults",
        **many,
        metavar="FIELD=VALUE",
        help="the value of a field in rows that have none",
    )
    parser.add_argument(
        "--vertical-map",
        dest="vertical_maps",
        **many,
        metavar="VALUE=VERTICAL",
        help="the vertical for each value of the mapped column, or @FILE.csv with both; *=VERTICAL for all others",
    )


def _add_file_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rejects", type=Path, help="the file for rejected rows (default: FILE.rejects.csv)")
    parser.add_argument("--sheet", help="the sheet of a workbook (default: the first that is not hidden)")
    parser.add_argument(
        "--header-line",
        type=positive_argument,
        metavar="N",
        help="the line that names the columns, counted from 1",
    )
    parser.add_argument(
        "--zone",
        help="the time zone of times without an offset, e.g. America/Chicago (default: the workspace's)",
    )
    parser.add_argument("--day-first", action="store_true", help="read 1/2/2026 as February 1")
    parser.add_argument(
        "--pad-zips",
        action="store_true",
        help="restore the leading zeros of ZIP codes with three or four digits",
    )
    parser.add_argument("--encoding", default="auto", help="auto detects UTF-8, UTF-16 and cp1252")
    parser.add_argument(
        "--delimiter", default="auto", help="auto, a character, or tab, comma, semicolon or pipe"
    )


def _prepare(options: dict[str, Any]) -> LeadsImport:
    """Return the import with its rejects file open.

    Raises NameNotFound, TableError, MappingError, UnknownTimezone or ImportRunning.
    """
    source = find_source(options["source"], workspace_slug=options["workspace"])
    table = open_table(
        options["file"],
        encoding=_or_auto(options["encoding"]),
        delimiter=_or_auto(options["delimiter"]),
        wanted=name_columns(options["maps"]),
        header_line=options["header_line"],
        sheet=options["sheet"],
    )
    mapping = read_mapping(
        table.columns,
        maps=options["maps"],
        defaults=options["defaults"],
        vertical_maps=options["vertical_maps"],
        zone=load_zone(options["zone"] or source.workspace.timezone),
        is_day_first=options["day_first"],
        pads_zips=options["pad_zips"],
    )
    _require_fields(mapping, source=source, allows_no_contact=options["allow_no_contact"])
    return LeadsImport(
        table=table,
        mapping=mapping,
        source=source,
        rejects=_open_rejects(options["rejects"], table=table),
        at=datetime.now(UTC),
        requires_contact=not options["allow_no_contact"],
        is_dry_run=options["dry_run"],
    )


def _or_auto(text: str) -> str | None:
    return None if text == "auto" else text


def _require_fields(mapping: ColumnMapping, *, source: Source, allows_no_contact: bool) -> None:
    """Raise MappingError for a problem that every row would have."""
    given = {target.name for _, target in mapping.targets} | {target.name for target, _ in mapping.defaults}
    if "zip" not in given:
        raise MappingError("no column is mapped to zip; add --map 'column=zip'")
    if "vertical" not in given and not source.default_vertical:
        raise MappingError("the vertical is missing; add --map 'column=vertical' or --default vertical=...")
    if not given & {"email", "phone"} and not allows_no_contact:
        raise MappingError("no column is mapped to email or phone; map one, or use --allow-no-contact")


def _open_rejects(path: Path | None, *, table: Table) -> RejectsFile:
    chosen = path or table.path.with_name(f"{table.path.name}.rejects.csv")
    if chosen.exists() and (not chosen.is_file() or chosen.samefile(table.path)):
        raise TableError(f"--rejects {chosen}: choose another file")
    rejects = RejectsFile(chosen, columns=table.columns)
    try:
        rejects.open()
    except OSError as error:
        raise TableError(f"--rejects {chosen}: {error.strerror}; choose a file that can be written") from None
    return rejects


def _run(job: LeadsImport, *, stderr: OutputWrapper) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Importing", total=job.table.size_bytes)
        lines = _ProgressLines(job, stderr=stderr, is_silent=sys.stderr.isatty())

        def show(position: int) -> None:
            progress.update(task, completed=position)
            lines.show(position)

        try:
            job.run(show)
        except TableError as error:
            message = f"{error}. {count(job.report.accepted, 'lead was', 'leads were')} already stored."
            raise CommandError(message, returncode=1) from None
        except Error as error:
            raise CommandError(
                _describe_interruption(job.report, cause=type(error).__name__), returncode=1
            ) from None
        except KeyboardInterrupt:
            raise CommandError(_describe_interruption(job.report, cause="Ctrl+C"), returncode=1) from None


class _ProgressLines:
    """Prints a line every ROWS_PER_LINE rows where no bar can be drawn: in a log or without a terminal."""

    def __init__(self, job: LeadsImport, *, stderr: OutputWrapper, is_silent: bool) -> None:
        self.job = job
        self.stderr = stderr
        self.next_at = sys.maxsize if is_silent else ROWS_PER_LINE

    def show(self, position: int) -> None:
        report = self.job.report
        if report.read < self.next_at:
            return
        self.next_at = report.read + ROWS_PER_LINE
        share = 100 * position // max(self.job.table.size_bytes, 1)
        self.stderr.write(
            f"{count(report.read, 'row')} read ({share}%), {report.accepted:,} accepted, {report.rejected:,} rejected"
        )


def _describe_interruption(report: ImportReport, *, cause: str) -> str:
    stored = f"{count(report.accepted, 'lead was', 'leads were')} stored"
    return f"interrupted ({cause}); {stored}. Run the same command again to import the rest."
