"""The protections of calls that can be removed, in the suite's own processes. The product has no switch for it."""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from tests.chaos.protections import PartProtection, cut

# Between the count of the lines and the call: what a busy database does by itself.
PAUSE_SECONDS: Final = 0.05
# Between the answer to the carrier and the stored report.
LATER_SECONDS: Final = 0.5


def _line_lock() -> None:
    """Lines are counted without the locks of account and channel."""
    from distribution.calls import lines
    from distribution.models import CarrierAccount, Channel

    count = lines.count_lines

    def count_and_wait(channel_id: int) -> int:
        used = count(channel_id)
        time.sleep(PAUSE_SECONDS)
        return used

    lines.count_lines = count_and_wait
    lines.lock_account = lambda key: CarrierAccount.objects.get(pk=key)
    lines.lock_channel = lambda key: Channel.objects.get(pk=key)


def _one_phone() -> None:
    """Two calls to a phone may be out: no index, no look."""
    from django.db import connection

    from distribution.calls import facts

    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS call_one_open_of_phone")
    connection.close()  # the processes are forked from this one
    cut(facts, "LOCK_AND_READ", "s::varchar AND c.ended_at IS NULL)", "s::varchar AND FALSE)")


def _row_first() -> None:
    """The call's row is written with the carrier's answer: what dies before that leaves none."""
    from distribution.calls import dialing
    from tests.chaos.calls import probes

    place, die = dialing.place, probes.die
    current = threading.local()

    def remember(begun: Any, **named: Any) -> Any:
        current.begun = begun
        return place(begun, **named)

    def forget(point: str) -> None:
        if point == probes.PLACED:
            _undo(current.begun.call_id)
        die(point)

    dialing.place, probes.die = remember, forget


def _undo(call_id: int) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for sql in (
            "UPDATE distribution_verification v SET state = 'waiting', due_at = now() FROM distribution_call c"
            " WHERE c.id = %s AND v.id = c.verification_id",
            "UPDATE routing_lead l SET status = 'gated', locked_by = '', locked_at = NULL FROM distribution_call c"
            " WHERE c.id = %s AND l.id = c.lead_id",
            "DELETE FROM distribution_callnotice WHERE call_id = %s",
            "DELETE FROM distribution_call WHERE id = %s",
        ):
            cursor.execute(sql, [call_id])


def _inbox() -> None:
    """A report is stored after the carrier has its answer. A process dies between the two, with a pressed key."""
    from distribution.calls import inbox, receiving
    from distribution.models import NoticeKind
    from tests.chaos.calls import probes

    def later(notice: Any, *, call_id: int) -> bool:
        from django.db import connection

        def work() -> None:
            time.sleep(LATER_SECONDS)
            if notice.kind == NoticeKind.KEYS:
                probes.die_if_asked(probes.STORED)
            inbox.store(notice, call_id=call_id)
            connection.close()

        threading.Thread(target=work, daemon=True).start()
        return True

    receiving.store = later


def _rank() -> None:
    """The last report counts, whatever was heard before."""
    from distribution.calls import hearing, states

    def forget(known: states.Known, said: states.Said) -> states.Known:
        state = states.STATES.get(said.status, known.state)
        end = said.status if states.STATES.get(said.status) == "ended" else ""
        key = said.key if said.key in states.OUTCOME_OF_KEY else ""
        return replace(known, state=state, end=end, key=key, answered_by=said.answered_by)

    hearing.learn = forget


def _ask_unknown() -> None:
    """A request without an answer counts as one that placed no call, and the person is called again at once."""
    from distribution.calls import dial_outcomes

    def give_up(locked: Any, _: Any, *, at: Any) -> tuple[()]:
        first = at - timedelta(days=1)  # before all others who wait
        dial_outcomes.end_not_placed(locked, due_at=first, reason="", by=dial_outcomes.BY, at=at)
        return ()

    dial_outcomes._record_unknown = give_up


def _bind() -> None:
    """A report does not bind its call to the carrier's id: only the answer to the request does, or a search."""
    from distribution.calls import applying

    applying.bind_and_tell = lambda *_, **__: True


def _hours() -> None:
    """The product does not look at the clock of the person before a call."""
    from distribution.calls import allowing

    allowing.check_lead_hours = lambda *_, **__: None


def _checker() -> None:
    """The carrier is never asked: what it reports is all that is known."""
    from distribution.calls import dialer
    from distribution.reconcile import channels

    dialer.check_due = lambda **_: 0
    channels.check_due = lambda **_: 0


PROTECTIONS: Final[Mapping[str, PartProtection]] = {
    "line-lock": PartProtection(
        _line_lock,
        "the locks under which the lines of a channel are counted",
        breaks="numbers with more calls than lines",
    ),
    "one-phone": PartProtection(
        _one_phone, "one call to a phone at a time", breaks="phones that were called twice at once"
    ),
    "row-first": PartProtection(
        _row_first, "the row of a call before its request", breaks="calls of the carrier without a row"
    ),
    "call-inbox": PartProtection(
        _inbox,
        "the stored report before the carrier's answer",
        breaks="calls with another outcome than at the carrier",
    ),
    "rank": PartProtection(
        _rank, "that a call never goes back", breaks="calls with another outcome than at the carrier"
    ),
    "ask-unknown": PartProtection(
        _ask_unknown,
        "asking the carrier before a lead is called again",
        breaks="calls that count as not placed although the carrier has them",
    ),
    "bind": PartProtection(
        _bind,
        "that the first report binds a call to the carrier's id",
        breaks="calls of the carrier without a row",
    ),
    "hours": PartProtection(
        _hours,
        "the clock of the person at the time of the call",
        breaks="people who were called outside the hours of their state",
    ),
    "checker": PartProtection(
        _checker,
        "asking the carrier about calls that it does not report",
        breaks="lines that are not free",
    ),
}
# Each has its own run.
ALONE: Final = tuple(PROTECTIONS)
