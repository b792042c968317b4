"""Sentences for the beginning of an attempt, its way to a campaign, and an end without a sale. Pure."""

from types import MappingProxyType
from typing import Final

from tracing import wording
from tracing.event_rows import AttemptRow, EventContext, EventRow
from tracing.obstacles import describe_clause
from tracing.reason_words import describe_reason, describe_who_must_act, needs_person
from tracing.vocabulary import RESULTS, WAKE_CAUSES, describe_correction

TRIGGERS: Final = {
    "ingest": "first attempt",
    "retry": "retry",
    "manual": "re-run by an operator",
    "woken": "woken by a change",
    "claim": "claim of an offer",
    "offer_closed": "end of an offer",
    "delivery": "answer of a buyer's system",
    "verification": "end of its verification",
}
# What a deferred lead waits for, no matter which gate removed the last buyer.
WAITED_FOR: Final = "the first buyer that is outside its hours or at a cap is available again"
CONSENT_PROOFS: Final = MappingProxyType(
    {"given_at": "the time at which the person agreed", "token": "a certificate of the consent"}
)


def describe_attempt(attempt: AttemptRow) -> str:
    """ "Attempt 1 (first attempt) at 2026-08-02 14:03:22 UTC took 3 ms: not sold." """
    trigger = TRIGGERS.get(attempt.trigger, attempt.trigger)
    started, took = wording.moment(attempt.started_at), wording.duration(attempt.duration_ms)
    result = RESULTS.get(attempt.result, attempt.result)
    return f"Attempt {attempt.number} ({trigger}) at {started} took {took}: {result}."


def describe_start(event: EventRow, _context: EventContext) -> str:
    trigger, cause = event.data["trigger"], event.data.get("woken_by")
    why = f"woken by: {WAKE_CAUSES.get(cause, cause)}" if cause else TRIGGERS.get(trigger, trigger)
    started = f"Started as attempt {event.data['number']} ({why})."
    if event.data.get("is_test"):
        started += " It is a test lead."
    notes = [_describe_note(note) for note in event.data.get("intake", ())]
    return f"{started} At intake: {'; '.join(notes)}." if notes else started


def _describe_note(note: str) -> str:
    """ "email:dropped" """
    name, _, code = note.rpartition(":")
    return describe_correction(name.replace("_", " "), code)


def describe_route(event: EventRow, context: EventContext) -> str:
    rule, to = event.data["rule"], context.names.workspace(event.data["to"])
    if rule is None:
        return f"Back in {to}, its source workspace: no rule routes it elsewhere now."
    tags = f" (tags: {', '.join(rule['tags'])})" if rule["tags"] else ""
    return f"Routed to {to} by rule '{rule['name']}'{tags}."


def describe_campaign(event: EventRow, context: EventContext) -> str:
    name = context.names.campaign(event.data["campaign_id"])
    return f"Taken by the campaign {name}, configuration {event.data['config_version']}."


def describe_gated(event: EventRow, _context: EventContext) -> str:
    text = "waits until the person is verified, in a call or by an operator"
    if event.data["needed"] == "unless_consent":
        proof = CONSENT_PROOFS.get(event.data["consent_kind"], event.data["consent_kind"])
        text = f"{text}; it would not with {proof}"
    return wording.sentence(text)


def describe_failure(event: EventRow, context: EventContext) -> str:
    result = RESULTS.get(event.outcome, event.outcome or "failed")
    parts = [f"{wording.sentence(result)[:-1]}: {describe_reason(event.skip_reason)}"]
    emptied_by = event.data.get("emptied_by")
    if emptied_by:
        parts.append(f"The last remaining buyer dropped out: {describe_clause(emptied_by)}.")
    first_lead_id = event.data.get("first_lead_id")
    if first_lead_id is not None:
        parts.append(f"The earlier lead is {context.names.lead(first_lead_id)}.")
    due_at = wording.parse_moment(event.data.get("due_at"))
    if due_at is not None and event.skip_reason == "workspace_paused":
        parts.append("It will be tried again when the workspace is resumed.")
    elif due_at is not None:
        when = f"Due again at {wording.moment(due_at)}"
        waits = event.outcome == "deferred" and emptied_by
        parts.append(f"{when}, when {WAITED_FOR}." if waits else f"{when}.")
    elif needs_person(event.outcome):
        parts.append(describe_who_must_act(event.skip_reason))
    return " ".join(parts)
