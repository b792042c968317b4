"""Imports a table of leads: each row becomes a lead once, however often and wherever an earlier run was cut short.

A lead's external_id is what says whether it is there: the mapped column's value, or else the file's fingerprint and the
line. So a file without a column of ids may be run again, but not grow.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final

from routing import metrics
from routing.intake import AlreadyHere, LeadNotStored, Taken, find_existing, take_in_many
from routing.leadfields import CleanLead, LeadInvalid, parse_lead
from routing.leads_import.mapping import ColumnMapping
from routing.leads_import.rejects import Problem, RejectsFile
from routing.leads_import.table import CsvTable, Row
from routing.models import Source

ROWS_A_BATCH: Final = 500
CHANNEL: Final = "import"


@dataclass(slots=True)
class ImportReport:
    """How many rows were read, and what became of them. `reasons` counts (field, code); a row may have several."""

    read: int = 0
    accepted: int = 0
    already_there: int = 0
    rejected: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsImport:
    """One import of one file."""

    table: CsvTable
    mapping: ColumnMapping
    source: Source
    rejects: RejectsFile
    at: datetime
    requires_contact: bool = True
    is_dry_run: bool = False
    report: ImportReport = field(default_factory=ImportReport)

    def run(self, on_bytes: Callable[[int], None] = lambda _: None) -> ImportReport:
        """Commit batch by batch. Raises OperationalError when the database goes; the report says how far it came."""
        rows = self.table.read_rows(on_bytes)
        while batch := list(islice(rows, ROWS_A_BATCH)):
            self.report.read += len(batch)
            self._store(list(self._parse_all(batch)))
        return self.report

    def _parse_all(self, batch: list[Row]) -> Iterator[tuple[Row, CleanLead]]:
        for row in batch:
            lead = self._parse(row)
            if isinstance(lead, CleanLead):
                external_id = lead.external_id or f"import:{self.table.sha256[:16]}:{row.line}"
                yield row, replace(lead, external_id=external_id)
            else:
                self._reject(row, lead)

    def _parse(self, row: Row) -> CleanLead | list[Problem]:
        if row.problem:
            return [Problem("", "", "unreadable", row.problem)]
        payload, problems = self.mapping.build(row.cells)
        named = {problem.field for problem in problems}
        if "" in named:
            return problems
        try:
            lead = parse_lead(
                payload,
                default_vertical=self.source.default_vertical,
                at=self.at,
                requires_contact=self.requires_contact,
            )
        except LeadInvalid as invalid:
            # A value that could not be read is not missing as well.
            return problems + [problem for problem in self._describe(invalid) if problem.field not in named]
        return problems or lead

    def _describe(self, invalid: LeadInvalid) -> Iterator[Problem]:
        for path, errors in invalid.errors.items():
            for error in errors:
                yield Problem(self.mapping.column_of(path), path, error.code, error.message)

    def _store(self, parsed: list[tuple[Row, CleanLead]]) -> None:
        leads = [lead for _, lead in parsed]
        if self.is_dry_run:
            existing = find_existing([str(lead.external_id) for lead in leads], source=self.source)
            self.report.already_there += sum(lead.external_id in existing for lead in leads)
            self.report.accepted += sum(lead.external_id not in existing for lead in leads)
            return
        try:
            self._count(take_in_many(leads, source=self.source, channel=CHANNEL))
        except LeadNotStored:
            self._store_one_by_one(parsed)

    def _store_one_by_one(self, parsed: list[tuple[Row, CleanLead]]) -> None:
        """One row that the database refuses must not take the other rows of its batch with it."""
        for row, lead in parsed:
            try:
                self._count(take_in_many([lead], source=self.source, channel=CHANNEL))
            except LeadNotStored:
                self._reject(row, [Problem("", "", "not_stored", "is refused by the database")])

    def _count(self, outcomes: list[Taken | AlreadyHere]) -> None:
        taken = sum(isinstance(outcome, Taken) for outcome in outcomes)
        self.report.accepted += taken
        self.report.already_there += len(outcomes) - taken

    def _reject(self, row: Row, problems: list[Problem]) -> None:
        self.report.rejected += 1
        self.report.reasons.update({(problem.field, problem.code) for problem in problems})
        self.rejects.add(row.cells, line=row.line, problems=problems)
        metrics.LEADS_REJECTED.labels(channel=CHANNEL).inc()
