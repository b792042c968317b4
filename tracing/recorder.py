"""Collects the events of one attempt in memory and writes them once, in the caller's transaction.

A trace that cannot be written never stops a lead: the write has its own savepoint, and a failure is logged and
counted. No value makes it fail: values that JSON or PostgreSQL cannot store are written as text (plainvalues).
"""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson
from django.db import DatabaseError, DataError, connection, connections, transaction
from uuid6 import uuid7

from tracing import metrics
from tracing.attempt_parts import AttemptEnd, AttemptHead, RouteTaken
from tracing.plainvalues import AS_TEXT, PlainValues, make_column, make_text
from tracing.skip_reasons import Level, UnknownCode, find_skip_reason
from tracing.vocabulary import TERMINAL_EVENTS, Event

logger = logging.getLogger(__name__)


# Callers format times; a datetime here is a mistake.
STRICT: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS

# A pool of a thousand buyers makes half a million characters. A much longer trace would run into a timeout.
MAX_DOCUMENT: Final = 16_000_000
# program_limit_exceeded: a text or a document is longer than jsonb takes.
TOO_LARGE: Final = "54000"

# The place of a step in the document is its `seq`.
WRITE_SQL: Final = """
WITH attempt AS (
    INSERT INTO tracing_attempt (
        id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, campaign_id, config_version,
        result, skip_reason, transient, next_attempt_at, started_at, finished_at, duration_ms, worker,
        received_at, due_at, is_test, rule_id, route, first_lead_id, facts
    ) VALUES (
        %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::jsonb
    )
    RETURNING id, lead_id
)
INSERT INTO tracing_leaddistributionevent (
    lead_id, attempt_id, seq, event, buyer_id, cost_cents, outcome, skip_reason, duration_ms, data
)
SELECT a.lead_id, a.id, e.seq, e.step->>0, (e.step->>1)::bigint, (e.step->>2)::bigint, e.step->>3, e.step->>4,
    (e.step->>5)::float8, e.step->6
FROM attempt a, jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS e(step, seq)
"""


Row: TypeAlias = tuple[Event, int | None, int | None, str, str, float | None, Mapping[str, Any]]


class Recorder:
    """The events of one attempt so far. `seq` is the position: it cannot have holes."""

    __slots__ = ("_started", "head", "route", "rows")

    def __init__(self, head: AttemptHead) -> None:
        self.head = head
        self.route = RouteTaken()
        self.rows: list[Row] = []
        self._started = time.perf_counter()
        started: dict[str, Any] = {"number": head.number, "trigger": head.trigger}
        if head.intake_notes:
            started["intake"] = list(head.intake_notes)
        if head.is_test:
            started["is_test"] = True
        if head.cause:
            started.update(woken_by=head.cause, change=head.change_id)
        self.add(Event.DISTRIBUTION_STARTED, data=started)

    @property
    def elapsed_ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 3)

    def add(
        self,
        event: Event,
        *,
        buyer_id: int | None = None,
        cost_cents: int | None = None,
        outcome: str = "",
        reason: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Append one event. `duration_ms` of a row is the time since the attempt began.

        Does not check or serialize anything: `write` does, whose failure stops no lead.
        """
        # Hundreds of skipped buyers share one time: only the other steps are timed.
        elapsed = None if event is Event.BUYER_SKIPPED else self.elapsed_ms
        self.rows.append((event, buyer_id, cost_cents, outcome, reason, elapsed, data or {}))

    def amend(self, event: Event, **changes: Any) -> None:
        """Change the data of an event, which is not written yet."""
        self.rows = [
            (*row[:6], {**row[6], **changes}) if row[0] is event else row  # the last item is the data
            for row in self.rows
        ]

    def retain_only(self, events: Collection[Event]) -> None:
        """Drop every other row, because its transaction was rolled back."""
        self.rows = [row for row in self.rows if row[0] in events]

    def write(self, end: AttemptEnd, *, using: str = "default") -> bool:
        """Write attempt and events in one statement, inside a savepoint. Returns False when it failed.

        Values that cannot be written are written as text, in a second statement.
        Needs an open transaction of the caller on `using`. Never raises for a database failure, unless the
        connection is lost: then the caller's transaction is lost as well.
        """
        database = connections[using]
        savepoint = None
        for is_plain in (False, True):
            try:
                parameters = self.parameters(end, is_plain=is_plain)
                savepoint = savepoint or transaction.savepoint(using=using)
                with database.cursor() as cursor:
                    cursor.execute(WRITE_SQL, parameters)
            except Exception as error:
                if database.connection is None or database.connection.closed:
                    raise
                if savepoint is not None:
                    transaction.savepoint_rollback(savepoint, using=using)
                if not is_plain and is_of_values(error):
                    report_as_text(error, attempt_id=self.head.id, lead_id=self.head.lead_id)
                    continue
                report_failure(error, attempt_id=self.head.id, lead_id=self.head.lead_id)
                return False
            return True  # the savepoint ends with the transaction; releasing it would cost a statement
        return False

    def _check(self) -> None:
        for _, buyer_id, _, _, reason, _, _ in self.rows:
            if reason:
                find_skip_reason(reason, level=Level.LEAD if buyer_id is None else Level.BUYER)
        terminal = [row[0] for row in self.rows if row[0] in TERMINAL_EVENTS]
        if len(terminal) != 1 or self.rows[-1][0] != terminal[0]:
            message = f"an attempt ends with exactly one terminal event, this one has {terminal}"
            raise IncompleteTrace(message)

    def parameters(self, end: AttemptEnd, *, is_plain: bool = False) -> list[Any]:
        """Return the parameters of WRITE_SQL. Raises IncompleteTrace and UnknownCode.

        Unless `is_plain`, also raises TypeError for values that JSON cannot store, and TraceTooLarge.
        """
        self._check()
        head, route = self.head, self.route
        columns = [
            *(head.id, head.lead_id, head.number, head.trigger, head.source_workspace_id),
            *(end.destination_workspace_id, end.campaign_id, end.config_version, end.result, end.skip_reason),
            *(
                end.transient,
                end.next_attempt_at,
                head.started_at,
                end.finished_at,
                end.duration_ms,
                head.worker,
            ),
            *(head.received_at, head.due_at, head.is_test),
            *(route.rule_id, encode(route.hops), route.first_lead_id),
        ]
        # Rows are one document, not a list for each column: the driver escapes lists item by item in Python.
        if not is_plain:
            documents = [encode(end.facts), encode(self.rows)]
            if sum(map(len, documents)) > MAX_DOCUMENT:
                raise TraceTooLarge
            return [*columns, *documents]
        rows = [_make_row(row) for row in self.rows]
        return [*map(make_column, columns), encode(_make_object(end.facts)), encode(rows)]


def _make_row(row: Row) -> list[Any]:
    """The event with text for values that cannot be written; a number that fits no column is put into its data."""
    event, buyer_id, cost_cents, outcome, reason, elapsed_ms, data = row
    numbers = {"buyer_id": buyer_id, "cost_cents": cost_cents}
    beyond = {name: number for name, number in numbers.items() if make_column(number) != number}
    return [
        *(event.value, make_column(buyer_id), make_column(cost_cents)),
        *(make_text(outcome), make_text(reason), make_column(elapsed_ms), _make_object({**data, **beyond})),
    ]


def _make_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plain object, with the paths of values that became text, if any."""
    values = PlainValues()
    made = values.make_object(value)
    return {**made, AS_TEXT: values.changed} if values.changed else made


def write_many(traces: Sequence[tuple[Recorder, AttemptEnd]]) -> bool:
    """Write many attempts at once: pipelined, inside one savepoint, all or none. Returns False when it failed.

    Needs an open transaction of the caller. Never raises for a database failure, as Recorder.write.
    """
    for is_plain in (False, True):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(
                    WRITE_SQL, [recorder.parameters(end, is_plain=is_plain) for recorder, end in traces]
                )
        except Exception as error:
            if connection.connection is None or connection.connection.closed:
                raise
            is_final = is_plain or not is_of_values(error)
            report = report_failure if is_final else report_as_text
            for recorder, _ in traces:
                report(error, attempt_id=recorder.head.id, lead_id=recorder.head.lead_id)
            if is_final:
                return False
        else:
            return True
    return False


def is_of_values(error: Exception) -> bool:
    """Whether the values caused the error: JSON or PostgreSQL cannot store them (a NUL, a size)."""
    if isinstance(error, DatabaseError):
        state = getattr(error.__cause__, "sqlstate", None)
        return isinstance(error, DataError) or state == TOO_LARGE
    is_of_code = isinstance(error, UnknownCode)
    return isinstance(error, TypeError | ValueError | RecursionError | OverflowError) and not is_of_code


def encode(value: object) -> str:
    """Return compact JSON. At a thousand buyers the standard library's encoder takes ten times as long.

    Raises TypeError for what JSON cannot represent.
    """
    return orjson.dumps(value, option=STRICT).decode()


class IncompleteTrace(RuntimeError):
    """The code that ran the attempt recorded no terminal event, or two."""


class TraceTooLarge(ValueError):
    """The trace has long texts, which are cut when it is written as text."""


def new_attempt_id() -> UUID:
    """Time-ordered, so that a trace's rows are next to each other in the index."""
    return UUID(int=uuid7().int)


def report_failure(error: Exception, *, attempt_id: UUID, lead_id: int) -> None:
    """Log and count a trace that could not be written.

    The message of the error is left out, because it may contain row data.
    """
    cause = type(error).__name__
    metrics.TRACE_WRITE_FAILURES.labels(cause=cause).inc()
    logger.error(
        "trace.write_failed", extra={"attempt_id": str(attempt_id), "lead_id": lead_id, "cause": cause}
    )


def report_as_text(error: Exception, *, attempt_id: UUID, lead_id: int) -> None:
    """Log and count a trace that is written with text for some of its values."""
    cause = type(error).__name__
    metrics.TRACES_AS_TEXT.inc()
    logger.warning(
        "trace.written_as_text", extra={"attempt_id": str(attempt_id), "lead_id": lead_id, "cause": cause}
    )
