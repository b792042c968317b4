"""The verifications of a lead: why its person is called first, the calls, and what would let the lead go on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from distribution.calls.hours.opening import SPREAD
from distribution.calls.queue_waits import QueueWait, read_queue_waits
from distribution.calls.settling import NOT_CALLABLE
from distribution.explain.call_doubt import DOUBT, describe_doubt, is_in_doubt
from distribution.explain.call_reasons import Why, explain_queue_wait, explain_reason, find_known
from distribution.explain.types import StoryLine, TracedCall, TracedVerification
from distribution.models import (
    Call,
    CallEvent,
    Verification,
    VerificationState,
)
from routing.models import Lead, LeadStatus
from tracing import wording
from tracing.call_events import (
    OUTCOMES,
    WAIT_REASONS,
    CallEventCode,
    describe_call_event,
    name_call,
)
from tracing.models import AttemptResult, AuditEntry

# The lead's own reasons that come from a verification.
REASONS: Final = frozenset({"verification_required", "not_verified", "not_callable", "verification_declined"})
WAITING: Final = (LeadStatus.GATED, LeadStatus.CALLING)
# The event of what an operator did -> the action of its audit entry.
BY_OPERATOR: Final[Mapping[str, str]] = {
    CallEventCode.VERIFIED: "verify_by_hand",
    CallEventCode.CALL_NOW: "call_now",
    CallEventCode.GAVE_UP: "give_up_verification",
}
# A carrier may refuse calls for hours, and each of them has a row.
MOST_CALLS: Final = 100
CALL: Final = "a call in which the person presses 1"
HAND: Final = "an operator who verifies the person by hand"
SPREAD_NOTE: Final = (
    f"Calls are spread over the first {SPREAD // timedelta(minutes=1)} minutes after the hours begin."
)
# Who, and why.
Operator = tuple[str, str]
NOBODY: Final[Operator] = ("", "")
STATES: Final = {
    "created": "It is about to be placed.",
    "dialing": "It is being placed.",
    "queued": "The carrier has it in its queue.",
    "ringing": "The phone rings.",
    "in_progress": "The person is on the line.",
}


def read_verifications(
    lead: Lead,
    *,
    results: Iterable[str] = (),
    workspace_id: int | None = None,
    is_for_source: bool = False,
) -> tuple[TracedVerification, ...]:
    """Oldest first, of the lead's workspace or another one. No statement for a lead without one, six at most.

    `results`: of its attempts, as far as they are known.
    """
    is_gated = lead.status in WAITING or lead.verification or lead.skip_reason in REASONS
    if not is_gated and AttemptResult.GATED not in set(results):
        return ()
    rows = list(
        Verification.objects.filter(lead_id=lead.pk, workspace_id=workspace_id or lead.workspace_id)
        .select_related("workspace")
        .order_by("pk")
    )
    if not rows:
        return ()
    calls, events = _read_calls(rows), _read_events(rows)
    waiting = {row.workspace_id for row in rows if row.state == VerificationState.WAITING}
    wait = next(iter(read_queue_waits(waiting).values()), None)
    by = {} if is_for_source else _read_operators(lead, rows)
    channels = (
        {} if is_for_source else {call.pk: call.channel.name for each in calls.values() for call in each}
    )
    return tuple(
        _describe(
            row,
            calls=calls[row.pk],
            why=_find_why(row, wait, calls=calls[row.pk], events=events[row.pk], is_for_source=is_for_source),
            story=tuple(_tell(events[row.pk], channels, by)),
            channels=channels,
            wait=wait,
            is_for_source=is_for_source,
        )
        for row in rows
    )


def find_open(verifications: Sequence[TracedVerification]) -> TracedVerification | None:
    return next((each for each in verifications if each.ended_at is None), None)


def describe_gate(verification: TracedVerification) -> str:
    """For a reader who asks why a buyer has not got the lead."""
    since = wording.moment(verification.opened_at)
    passes = wording.one_of(verification.passes)
    return (
        f"The lead has waited for its verification since {since}. {verification.next_step}"
        f" What would let it pass: {passes}."
    )


def _read_calls(rows: Sequence[Verification]) -> Mapping[int | None, list[Call]]:
    calls: dict[int | None, list[Call]] = {row.pk: [] for row in rows}
    found = Call.objects.filter(verification__in=rows).select_related("channel").order_by("-pk")
    for call in reversed(found[:MOST_CALLS]):
        calls[call.verification_id].append(call)
    return calls


def _read_events(rows: Sequence[Verification]) -> Mapping[int | None, list[CallEvent]]:
    events: dict[int | None, list[CallEvent]] = {row.pk: [] for row in rows}
    for event in CallEvent.objects.filter(verification__in=rows).order_by("pk"):
        events[event.verification_id].append(event)
    return events


def _read_operators(lead: Lead, rows: Sequence[Verification]) -> Mapping[str, list[Operator]]:
    """Who did each action and why, in the order of time."""
    targets = [str(lead.pk), *(str(row.pk) for row in rows)]
    entries = AuditEntry.objects.filter(
        object_id__in=targets,
        model__in=("routing.lead", "distribution.verification"),
        action__in=BY_OPERATOR.values(),
    )
    found: dict[str, list[Operator]] = {}
    for action, actor, reason in entries.order_by("pk").values_list("action", "actor", "reason"):
        found.setdefault(action, []).append((actor, reason))
    return found


def _describe(
    row: Verification,
    *,
    calls: Sequence[Call],
    why: Why,
    story: tuple[StoryLine, ...],
    channels: Mapping[int, str],
    wait: QueueWait | None,
    is_for_source: bool,
) -> TracedVerification:
    state = VerificationState(row.state)
    reason = row.reason if wait is None else wait.reason_of(row)
    return TracedVerification(
        verification_id=row.public_id,
        state=state.value,
        state_sentence=DOUBT
        if row.ended_at is None and calls and is_in_doubt(calls[-1])
        else wording.sentence(state.label),
        reason=reason,
        reason_sentence=why.sentence,
        change="" if row.ended_at is not None or is_for_source else why.change,
        opened_at=row.opened_at,
        due_at=row.due_at,
        ended_at=row.ended_at,
        tries=row.tries,
        next_step=_next_step(row, wait, why=why, calls=calls, is_for_source=is_for_source),
        passes=() if row.ended_at is not None else tuple(_passes(row)),
        calls=tuple(_describe_call(call, channel=channels.get(call.pk, "")) for call in calls),
        story=story,
    )


def _find_why(
    row: Verification,
    wait: QueueWait | None,
    *,
    calls: Sequence[Call],
    events: Sequence[CallEvent],
    is_for_source: bool,
) -> Why:
    if wait is not None and wait.has_due(row):
        return explain_queue_wait(wait, is_for_source=is_for_source)
    return explain_reason(row.reason, find_known(calls, events))


def _next_step(
    row: Verification, wait: QueueWait | None, *, why: Why, calls: Sequence[Call], is_for_source: bool
) -> str:
    timezone = "UTC" if is_for_source else row.workspace.timezone
    due = "" if row.due_at is None else wording.local_second(row.due_at, timezone=timezone)
    match row.state:
        case VerificationState.WAITING if row.due_at is not None and wait is not None and wait.has_due(row):
            since = f"The next call has been due since {due}."
            return f"{since} {describe_queue_wait(wait, is_for_source=is_for_source)}"
        case VerificationState.WAITING if row.due_at is not None:
            from_then = f"The next call goes out from {due} on, as soon as a line is free."
            before = f" Why not before: {why.sentence}" if why.sentence else ""
            spread = f" {SPREAD_NOTE}" if row.reason == "outside_calling_hours" else ""
            return f"{from_then}{before}{spread}{_tell_change(why, is_for_source=is_for_source)}"
        case VerificationState.CALLING if calls and is_in_doubt(calls[-1]):
            return describe_doubt(calls[-1], timezone=timezone)
        case VerificationState.CALLING:
            return "A call is out. What the person presses decides."
        case VerificationState.PERSON:
            return "There is no further call: an operator must verify the person by hand, or give up."
    return ""


def describe_queue_wait(wait: QueueWait, *, is_for_source: bool = False) -> str:
    """Why a due call has not gone out. A source can change nothing about it."""
    if wait.cause not in WAIT_REASONS:
        return "It goes out after the leads before it."
    why = explain_queue_wait(wait, is_for_source=is_for_source)
    return f"Why it does not go out: {why.sentence}{_tell_change(why, is_for_source=is_for_source)}"


def _tell_change(why: Why, *, is_for_source: bool) -> str:
    return f" What would have to change: {why.change}." if why.change and not is_for_source else ""


def _passes(row: Verification) -> Iterable[str]:
    if row.reason not in NOT_CALLABLE:
        yield CALL
    yield HAND


def _describe_call(call: Call, *, channel: str) -> TracedCall:
    outcome = OUTCOMES.get(call.outcome, call.outcome)
    state = DOUBT if is_in_doubt(call) else STATES.get(call.state, "")
    return TracedCall(
        id=call.pk,
        number=call.number,
        title=name_call(call.number, outcome=call.outcome),
        channel=channel,
        state=call.state,
        outcome=call.outcome,
        sentence=wording.sentence(outcome) if outcome else state,
        placed_at=call.dialed_at or call.created_at,
        ringing_at=call.ringing_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        duration_seconds=call.duration_seconds,
    )


def _tell(
    events: Sequence[CallEvent], channels: Mapping[int, str], by: Mapping[str, list[Operator]]
) -> Iterable[StoryLine]:
    for event in events:
        sentence = describe_call_event(event.code, event.data, channel=channels.get(event.call_id or 0, ""))
        actor, reason = _pop_operator(event, by)
        yield StoryLine(event.at, event.code, sentence, actor, reason)


def _pop_operator(event: CallEvent, by: Mapping[str, list[Operator]]) -> Operator:
    is_by_hand = {"how": "hand"}.items() <= event.data.items() or event.data.get("reason") == "given_up"
    if not is_by_hand and event.code != CallEventCode.CALL_NOW:
        return NOBODY
    operators = by.get(BY_OPERATOR.get(event.code, ""), [])
    return operators.pop(0) if operators else NOBODY
