"""Imports a table of leads. Each row becomes a lead once, even if earlier runs were interrupted.

The external_id shows whether a lead is already stored: it is the value of the mapped column or, without one, the key of
the row's content. Leads of earlier versions have the file's fingerprint and the line instead, so both are looked up.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from routing.intake.consent import parse_past_time
from routing.intake.corrections import CORRECTED, DROPPED, Correction, write_notes
from routing.intake.csv.mapping import RECEIVED_AT, ColumnMapping
from routing.intake.csv.rejects import RejectsFile, RowProblem
from routing.intake.csv.rowkeys import RepeatedContacts, RowKeys
from routing.intake.csv.rows import Row, Table
from routing.intake.parse import CleanLead, LeadInvalid, parse_lead
from routing.intake.store import (
    AlreadyReceived,
    LeadNotStored,
    Stored,
    StoredLead,
    find_existing,
    store_leads,
)
from routing.metrics.intake import LEADS_REJECTED
from routing.models import IntakeMode, Source
from routing.values.normalize import FieldError

ROWS_PER_BATCH: Final = 500
CHANNEL: Final = "import"
KEY_PREFIX: Final = "import:"
OVER_LIMIT: Final = (
    "is over the limit of test leads per day (LEADSWITCH_TEST_LEADS_PER_DAY): import it tomorrow"
)
# What a lenient source stores as text, or leaves out, if it is not of the mapped kind.
OPTIONAL: Final = frozenset({"attributes", "consent", RECEIVED_AT})


@dataclass(slots=True)
class ImportReport:
    """How many rows were read, and with what result. `reasons` counts (field, code); a row may have several.

    `corrected` rows were accepted with something left out or corrected; `corrections` counts their notes.
    """

    read: int = 0
    accepted: int = 0
    already_there: int = 0
    rejected: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    corrected: int = 0
    corrections: Counter[str] = field(default_factory=Counter)
    repeats: RepeatedContacts = field(default_factory=RepeatedContacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsImport:
    """One import of one file."""

    table: Table
    mapping: ColumnMapping
    source: Source
    rejects: RejectsFile
    at: datetime
    requires_contact: bool = True
    is_dry_run: bool = False
    report: ImportReport = field(default_factory=ImportReport)
    keys: RowKeys = field(init=False)
    _counted: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", RowKeys(self.table.columns))

    @property
    def is_lenient(self) -> bool:
        return self.source.intake_mode == IntakeMode.LENIENT

    def run(self, on_bytes: Callable[[int], None] = lambda _: None) -> ImportReport:
        """Commit batch by batch. Raises OperationalError if the database goes away; the report has the rows so far."""
        rows = self.table.read_rows(on_bytes)
        while batch := list(islice(rows, ROWS_PER_BATCH)):
            self.report.read += len(batch)
            self._store(list(self._parse_all(batch)))
        return self.report

    def _parse_all(self, batch: list[Row]) -> Iterator[tuple[Row, CleanLead]]:
        for row in batch:
            lead = self._parse(row)
            # Also for a rejected row, so that equal rows below keep their numbers after it is corrected.
            key = self.keys.make(row)
            if isinstance(lead, CleanLead):
                self._note(row, lead)
                yield row, replace(lead, external_id=lead.external_id or key)
            else:
                self._reject(row, lead)

    def _note(self, row: Row, lead: CleanLead) -> None:
        self.report.repeats.note(lead, line=row.line)
        if lead.corrections:
            self.report.corrected += 1
            self.report.corrections.update(write_notes(lead.corrections))

    def _parse(self, row: Row) -> CleanLead | list[RowProblem]:
        if row.problem:
            return [RowProblem("", "", "unreadable", row.problem)]
        payload, problems = self.mapping.build(row.cells, keeps_text=self.is_lenient)
        read_as_text: list[RowProblem] = []
        if self.is_lenient:
            read_as_text = [each for each in problems if each.field.split(".")[0] in OPTIONAL]
            problems = [each for each in problems if each not in read_as_text]
        elif isinstance(payload.get("zip"), int):
            payload["zip"] = str(payload["zip"])
        named = {problem.field for problem in problems}
        if "" in named:
            return problems
        try:
            received_at = self._read_received_at(payload)
            lead = parse_lead(
                payload,
                default_vertical=self.source.default_vertical,
                at=self.at,
                requires_contact=self.requires_contact,
                is_lenient=self.is_lenient,
                zone=self.mapping.zone,
            )
        except LeadInvalid as invalid:
            # A value that could not be read is not also reported as missing.
            return problems + [problem for problem in self._describe(invalid) if problem.field not in named]
        corrections = (*map(_correct, read_as_text), *lead.corrections)
        return problems or replace(lead, received_at=received_at, corrections=corrections)

    def _read_received_at(self, payload: dict[str, Any]) -> datetime | None:
        """Raises LeadInvalid for a time in the future, with which the lead would wait and would not expire in time."""
        text = payload.pop(RECEIVED_AT, None)
        if text is None:
            return None
        try:
            return parse_past_time(text, at=self.at)
        except FieldError as error:
            raise LeadInvalid({RECEIVED_AT: [error]}) from None

    def _describe(self, invalid: LeadInvalid) -> Iterator[RowProblem]:
        for path, errors in invalid.errors.items():
            for error in errors:
                yield RowProblem(self.mapping.column_of(path), path, error.code, error.message)

    def _store(self, parsed: list[tuple[Row, CleanLead]]) -> None:
        parsed = self._leave_out_earlier(parsed)
        leads = [lead for _, lead in parsed]
        if self.is_dry_run:
            self._count_dry([str(lead.external_id) for lead in leads])
            return
        try:
            self._count(parsed, store_leads(leads, source=self.source, channel=CHANNEL))
        except LeadNotStored:
            self._store_one_by_one(parsed)

    def _count_dry(self, external_ids: list[str]) -> None:
        """Count as an import would: of several rows with one id, the first is accepted."""
        existing = find_existing(external_ids, source=self.source)
        for external_id in external_ids:
            if external_id in existing or external_id in self._counted:
                self.report.already_there += 1
            else:
                self.report.accepted += 1
                self._counted.add(external_id)

    def _leave_out_earlier(self, parsed: list[tuple[Row, CleanLead]]) -> list[tuple[Row, CleanLead]]:
        """Leave out rows that an earlier version imported from this same file, under its fingerprint and line."""
        keyed = {
            f"import:{self.table.sha256[:16]}:{row.line}": row.line
            for row, lead in parsed
            if str(lead.external_id).startswith(KEY_PREFIX)
        }
        if not keyed:
            return parsed
        lines = {keyed[each] for each in find_existing(list(keyed), source=self.source)}
        self.report.already_there += len(lines)
        return [(row, lead) for row, lead in parsed if row.line not in lines]

    def _store_one_by_one(self, parsed: list[tuple[Row, CleanLead]]) -> None:
        """Store each row separately, so that a row that the database rejects does not stop the others of its batch."""
        for row, lead in parsed:
            try:
                self._count([(row, lead)], store_leads([lead], source=self.source, channel=CHANNEL))
            except LeadNotStored:
                self._reject(row, [RowProblem("", "", "not_stored", "was rejected by the database")])

    def _count(self, parsed: list[tuple[Row, CleanLead]], outcomes: Sequence[Stored]) -> None:
        for (row, _), outcome in zip(parsed, outcomes, strict=True):
            if isinstance(outcome, StoredLead):
                self.report.accepted += 1
            elif isinstance(outcome, AlreadyReceived):
                self.report.already_there += 1
            else:
                self._reject(row, [RowProblem("", "is_test", "test_limit", OVER_LIMIT)])

    def _reject(self, row: Row, problems: list[RowProblem]) -> None:
        self.report.rejected += 1
        self.report.reasons.update({(problem.field, problem.code) for problem in problems})
        self.rejects.add(row.cells, line=row.line, problems=problems)
        LEADS_REJECTED.labels(channel=CHANNEL).inc()


def _correct(problem: RowProblem) -> Correction:
    """An attribute that is not of the mapped kind is kept as text. A time that cannot be read is left out."""
    if problem.field.startswith("attributes."):
        return Correction(problem.field, CORRECTED, f"{problem.message}: kept as text")
    return Correction(problem.field, DROPPED, f"{problem.message}: left out")
