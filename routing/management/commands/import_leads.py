"""`manage.py import_leads`: takes leads in from a CSV file or workbook of any making."""

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
from routing.intake.csv.mapping import ColumnMapping, MappingError, name_columns, read_mapping
from routing.intake.csv.rejects import ImportRunning, RejectsFile
from routing.intake.csv.report import describe_import, print_import
from routing.intake.csv.rows import Table, TableError
from routing.intake.csv.run import ImportReport, LeadsImport
from routing.intake.csv.table import open_table
from routing.intake.sources import find_source
from routing.models import Source

ROWS_A_LINE: Final = 10_000
# A Redis that stalls gets this long to take what was imported.
DRAIN_SECONDS: Final = 10.0
EXAMPLES: Final = """
examples:
  manage.py import_leads leads.csv --source web-form \\
      --map 'E-Mail=email' 'Phone=phone' 'Postal Code=zip' 'Roof Age=attributes.roof_age:number' \\
      --default vertical=roofing

  manage.py import_leads requests.csv --source city --allow-no-contact \\
      --map 'Key=external_id' 'Zip=zip' 'Type=vertical' --vertical-map 'HEATING=hvac' '*=other'

  manage.py import_leads leads.xlsx --source web-form --sheet March --zone America/Chicago \\
      --map 'Name=full_name' 'Phone=phone' 'Zip=zip' 'Date=received_at' --default vertical=roofing

Reads CSV (.csv, .csv.gz) and workbooks (.xlsx). The header is the first row that has all mapped columns, so titles may
be above it. A column goes into one of the fields of the API, into full_name, received_at or consent.<field>, or into
attributes.<name>, which may end in :number or :flag (text otherwise). Values keep their leading apostrophe unless a
formula sign or digits follow it. A date without a time is the beginning of its day, and one without an offset is read
in --zone. A ZIP of four digits gets its zero back when its state or the list of ZIP codes leaves no doubt.

A lenient source takes a row with an optional field that cannot be read, without the field; the report counts those.

Run it again after an interruption, or after correcting rows: each row becomes a lead once. What tells rows apart is the
column mapped to external_id or, without one, the content of the row: a row that was taken and then changed is a new
lead, so map a column of ids where there is one.

Refused rows go, as they were and with what is wrong, to FILE.rejects.csv or --rejects, or to the next free name when a
report is there; correct them there and import that file. It holds personal data if the rows do: its owner alone may
read it.

exit codes: 0 done, also with refused rows; 1 nothing could be imported, or cut short; 2 wrong options or file
"""


class Command(BaseCommand):
    help = "Take leads in from a CSV file or an .xlsx workbook, as if its source had sent them one by one."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=EXAMPLES, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        many: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
        parser.add_argument("file", type=Path, help="a .csv, .csv.gz or .xlsx file")
        parser.add_argument("--source", required=True, help="the source whose leads they are")
        parser.add_argument(
            "--workspace", default="", metavar="SLUG", help="if several have a source of that name"
        )
        parser.add_argument(
            "--map", dest="maps", **many, metavar="COLUMN=FIELD", help="which field each column goes into"
        )
        parser.add_argument(
            "--default",
            dest="defaults",
            **many,
            metavar="FIELD=VALUE",
            help="the value of a field for rows without one",
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
            "(both identity hashes are empty), so such leads are never recognized as coming from the same one",
        )
        parser.add_argument("--dry-run", action="store_true", help="check every row and store none")
        parser.add_argument("--rejects", type=Path, help="where refused rows go (FILE.rejects.csv)")
        parser.add_argument("--sheet", help="which sheet of a workbook (the first that is not hidden)")
        parser.add_argument(
            "--header-line", type=int, metavar="N", help="the line that names the columns, from 1"
        )
        parser.add_argument(
            "--zone", help="where times without an offset are, e.g. America/Chicago (the workspace's)"
        )
        parser.add_argument("--day-first", action="store_true", help="read 1/2/2026 as the first of February")
        parser.add_argument(
            "--pad-zips",
            action="store_true",
            help="ZIPs of three or four digits have lost their leading zeros",
        )
        parser.add_argument("--encoding", default="auto", help="auto finds UTF-8, UTF-16 and cp1252")
        parser.add_argument(
            "--delimiter", default="auto", help="auto, a character, or tab, comma, semicolon, pipe"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            job = _prepare(options)
        except (NameNotFound, TableError, MappingError) as error:
            raise CommandError(str(error), returncode=2) from None
        except UnknownTimezone as error:
            raise CommandError(f"--zone {options['zone']}: {error}", returncode=2) from None
        except ImportRunning:
            message = f"another import of {options['file']} is running: wait until it has ended"
            raise CommandError(message, returncode=1) from None
        with job.rejects:
            _run(job, stderr=self.stderr)
        left = ENQUEUER.drain(timeout_seconds=DRAIN_SECONDS)
        if left:
            self.stderr.write(f"{left:,} leads are stored and not handed on yet: they start within a minute.")
        outcome = describe_import(job, seconds=time.monotonic() - started)
        if options["json"]:
            self.stdout.write(json.dumps(outcome))
        else:
            print_import(outcome, console=Console(file=cast("IO[str]", self.stdout)))
        if job.report.read and not job.report.accepted and not job.report.already_there:
            raise CommandError("no row could be imported", returncode=1)


def _prepare(options: dict[str, Any]) -> LeadsImport:
    """The file of rejects is open in it. Raises what is wrong with the options or the file."""
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


def _open_rejects(path: Path | None, *, table: Table) -> RejectsFile:
    chosen = path or table.path.with_name(f"{table.path.name}.rejects.csv")
    if chosen.exists() and (not chosen.is_file() or chosen.samefile(table.path)):
        raise TableError(f"--rejects {chosen}: name another file")
    rejects = RejectsFile(chosen, columns=table.columns)
    try:
        rejects.open()
    except OSError as error:
        raise TableError(f"--rejects {chosen}: {error.strerror}; name a file that can be written") from None
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
            message = f"{error}. {job.report.accepted:,} leads were stored before."
            raise CommandError(message, returncode=1) from None
        except Error as error:
            raise CommandError(_cut_short(job.report, cause=type(error).__name__), returncode=1) from None
        except KeyboardInterrupt:
            raise CommandError(_cut_short(job.report, cause="interrupted"), returncode=1) from None


class _ProgressLines:
    """A line now and then where no bar can be drawn: in a log, or over a connection without a terminal."""

    def __init__(self, job: LeadsImport, *, stderr: OutputWrapper, is_silent: bool) -> None:
        self.job = job
        self.stderr = stderr
        self.next_at = sys.maxsize if is_silent else ROWS_A_LINE

    def show(self, position: int) -> None:
        report = self.job.report
        if report.read < self.next_at:
            return
        self.next_at = report.read + ROWS_A_LINE
        share = 100 * position // max(self.job.table.size_bytes, 1)
        self.stderr.write(
            f"{report.read:,} rows read ({share} %), {report.accepted:,} accepted, {report.rejected:,} rejected"
        )


def _cut_short(report: ImportReport, *, cause: str) -> str:
    stored = f"{report.accepted} leads were stored"
    return f"cut short ({cause}); {stored}. Run the same command again: it goes on where this ended."
