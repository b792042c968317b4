"""Applies what carriers reported, once, under the locks of lead and call.

All new reports of a call are applied together, its keys first: a key decides before the end of the call does. Several
threads and processes may run it: each takes a call that no other one applies. A report that cannot be applied is set
aside, and stops no other.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from django.db import InterfaceError, OperationalError, connection, transaction

from distribution.calls.binding import bind_and_tell, is_of_another, tell_second_call
from distribution.calls.counting import count_applied
from distribution.calls.hanging_up import LEAD_MOVED_ON, QUEUED_TOO_LONG, request_hang_up
from distribution.calls.hearing import hear, known_of
from distribution.calls.locks import LockedCall, lock_call
from distribution.calls.settling import Lines
from distribution.calls.states import BY_HAND, NO, STATES, Said
from distribution.models import Call, CallNotice, CallOutcome, NoticeKind
from distribution.sql_arrays import array_literal
from routing.leads.abandoned import log_attempts
from routing.leads.attempt_log import AttemptLine
from tracing.locks import is_lock_conflict

logger = logging.getLogger(__name__)

APPLIED: Final = "applied"
NOTHING_NEW: Final = "nothing_new"
# The carrier has a call that must not be: it stays new until second_calls.py has ended that call.
HANG_UP: Final = "hang_up"
HUNG_UP: Final = "hung_up"
FAILED: Final = "failed"

# Any fixed number that no other advisory lock uses, with a hash of the call's id.
APPLYING_LOCK: Final = 0x6C73_6361
# Of the oldest reports. All of them may be of one call.
SEARCHED: Final = 100
# The oldest call with a new report that nobody applies. Calls behind many reports of one call are found one by one in
# an index, and only as far as they are needed, so the cost does not grow with the inbox. NULL: others apply all of
# them. The advisory lock only shares out the work. The row locks of lead and call decide.
TAKE: Final = """
WITH RECURSIVE oldest AS MATERIALIZED (
    SELECT call_id FROM distribution_callnotice
    WHERE applied_at IS NULL AND result = '' AND call_id <> ALL (%(busy)s::bigint[])
    ORDER BY id LIMIT %(searched)s
), calls AS (
    (SELECT call_id FROM distribution_callnotice WHERE applied_at IS NULL AND result = '' ORDER BY call_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT n.call_id FROM distribution_callnotice n
        WHERE n.applied_at IS NULL AND n.result = '' AND n.call_id > calls.call_id ORDER BY n.call_id LIMIT 1
    ) FROM calls WHERE calls.call_id IS NOT NULL
), waiting AS (
    SELECT call_id FROM oldest
    UNION ALL
    SELECT call_id FROM calls WHERE call_id IS NOT NULL AND call_id <> ALL (%(busy)s::bigint[])
), taken AS MATERIALIZED (
    SELECT call_id FROM waiting WHERE pg_try_advisory_xact_lock(%(lock)s, hashint8(call_id)) LIMIT 1
)
SELECT (SELECT call_id FROM taken), clock_timestamp(),
    EXISTS (SELECT FROM waiting WHERE call_id IS DISTINCT FROM (SELECT call_id FROM taken))
WHERE EXISTS (SELECT FROM oldest)
"""


def apply_new(*, limit: int) -> int:
    """Apply the new reports of at most `limit` calls. Returns how many reports. Raises OperationalError.

    What waits for a lock too long stays new, for the next time.
    """
    return InboxPass().run(limit=limit).reports


def _tell_nobody() -> None:
    """There is one thread."""


@dataclass(frozen=True, slots=True)
class Taken:
    call_id: int
    at: datetime


@dataclass(slots=True)
class InboxPass:
    """`on_more` is called before a call's reports are applied, if another call has new ones. Not thread-safe.

    `reports`: how many were applied. `is_left`: some are new, because another transaction holds them up or `limit` was
    reached.
    """

    on_more: Callable[[], object] = _tell_nobody
    reports: int = 0
    _calls: int = 0
    _is_more: bool = True
    _busy: set[int] = field(default_factory=set)
    # One of their reports could not be applied.
    _apart: set[int] = field(default_factory=set)

    @property
    def is_left(self) -> bool:
        return self._is_more or bool(self._busy)

    def run(self, *, limit: int) -> Self:
        while self._is_more and self._calls < limit and self._apply_next():
            pass
        return self

    def _apply_next(self) -> bool:
        """False: nothing is new, or others apply it."""
        taken = None
        try:
            with transaction.atomic(durable=True):
                taken = self._take()
                if taken is None:
                    return False
                count, lines = apply_notices(
                    taken.call_id, at=taken.at, is_apart=taken.call_id in self._apart
                )
        except Exception as error:
            if taken is None:
                raise
            self._note_failure(taken.call_id, error)
            return True
        log_attempts(lines)
        self._calls, self.reports = self._calls + 1, self.reports + count
        return True

    def _take(self) -> Taken | None:
        """Needs the transaction that applies. None: nothing is new, or others apply it."""
        values: dict[str, Any] = {
            "busy": array_literal(self._busy),
            "searched": SEARCHED,
            "lock": APPLYING_LOCK,
        }
        with connection.cursor() as cursor:
            cursor.execute(TAKE, values)
            row = cursor.fetchone()
        if row is None:
            self._is_more = False
            return None
        call_id, at, self._is_more = row
        if call_id is None:
            return None
        if self._is_more:
            self.on_more()
        return Taken(call_id, at)

    def _note_failure(self, call_id: int, error: Exception) -> None:
        """Leave the call alone in this round, or apply its reports one by one. Raises what is no such failure."""
        if isinstance(error, OperationalError) and is_lock_conflict(error):
            self._busy.add(call_id)
            self._calls += 1
        elif isinstance(error, OperationalError | InterfaceError) or call_id in self._apart:
            raise error
        else:
            self._apart.add(call_id)
            self._is_more = True


def apply_notices(call_id: int, *, at: datetime, is_apart: bool = True) -> tuple[int, Lines]:
    """Lock a call and apply its new reports. Needs an open transaction. The lines are logged after the commit.

    `is_apart`: one that cannot be applied is set aside, at the cost of a savepoint for each. If not, it raises.
    """
    locked = lock_call(call_id)
    new = CallNotice.objects.filter(call_id=call_id, applied_at__isnull=True, result="")
    notices = sorted(new, key=lambda notice: (notice.kind != NoticeKind.KEYS, notice.pk))
    if is_apart:
        lines = [line for notice in notices for line in _apply_or_set_aside(call_id, notice, at=at)]
    else:
        lines = _apply_together(locked, notices, at=at)
    return len(notices), lines


def _apply_or_set_aside(call_id: int, notice: CallNotice, *, at: datetime) -> Lines:
    try:
        with transaction.atomic():
            return _apply_together(lock_call(call_id), [notice], at=at)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that contains a report that cannot be applied
        cause = type(error).__name__
        logger.error("calls.notice_failed", extra={"number": notice.pk, "cause": cause})
        _note([notice], FAILED, at=at)
        return ()


def _apply_together(locked: LockedCall, notices: Sequence[CallNotice], *, at: datetime) -> list[AttemptLine]:
    """The rows are read again after a report that decided something: it has moved the lead on."""
    lines: list[AttemptLine] = []
    by_result: defaultdict[str, list[CallNotice]] = defaultdict(list)
    for notice in notices:
        before = known_of(locked.call).outcome
        result, its_lines = _apply(locked, notice, at=at)
        by_result[result].append(notice)
        lines += its_lines
        if known_of(locked.call).outcome != before and notice is not notices[-1]:
            locked = lock_call(locked.call.pk)
    for result, applied in by_result.items():
        _note(applied, result, at=at)
    return lines


def _apply(locked: LockedCall, notice: CallNotice, *, at: datetime) -> tuple[str, Lines]:
    """Returns what came of it."""
    call = locked.call
    if is_of_another(call, notice.carrier_sid):
        return FAILED, _hear_no(locked, notice, at=at)
    if not bind_and_tell(call, notice.carrier_sid, at=at):
        return HANG_UP, _hear_no(locked, notice, at=at)
    if notice.kind == NoticeKind.RECORDING:
        return (APPLIED if _keep_recording(call, notice) else NOTHING_NEW), ()
    was_given_up = _was_given_up(call)
    heard = hear(locked, said_by(notice), by="webhook", at=at)
    if was_given_up:
        tell_second_call(call, at=at)
        if STATES.get(notice.status) != "ended":
            return HANG_UP, heard.lines
    return (APPLIED if heard.is_new else NOTHING_NEW), heard.lines


def _hear_no(locked: LockedCall, notice: CallNotice, *, at: datetime) -> Lines:
    """A person who says no is heard, although nothing else counts that is said of this call of the carrier.

    They may have answered it while the call that counts still rings: that one ends too.
    """
    if notice.key not in NO or locked.call.lead_id is None:
        return ()
    heard = hear(locked, Said(key=notice.key), by="webhook", at=at)
    request_hang_up(locked.call, LEAD_MOVED_ON, at)
    return heard.lines


def _was_given_up(call: Call) -> bool:
    """Its line was freed without a word of the carrier."""
    is_not_placed = call.outcome == CallOutcome.NOT_PLACED and call.dial_problem != QUEUED_TOO_LONG
    return is_not_placed or call.ended_by == BY_HAND


def said_by(notice: CallNotice) -> Said:
    """A call whose script or key is asked for is answered. Its end comes as a report of its state."""
    status = notice.status if notice.kind == NoticeKind.STATUS else "in-progress"
    return Said(status, notice.key, notice.answered_by, notice.duration_seconds)


def _keep_recording(call: Call, notice: CallNotice) -> bool:
    """Only of a call that we asked to record."""
    if not call.records or call.recording_sid or notice.status not in ("", "completed"):
        return False
    call.recording_sid = notice.recording_sid
    call.save(update_fields=["recording_sid"])
    return bool(call.recording_sid)


def _note(notices: Sequence[CallNotice], result: str, *, at: datetime) -> None:
    """What is to be hung up is done once the carrier has ended it."""
    rows = CallNotice.objects.filter(pk__in=[notice.pk for notice in notices])
    rows.update(result=result, applied_at=None if result == HANG_UP else at)
    for notice in notices:
        count_applied(notice.kind, result=result)
