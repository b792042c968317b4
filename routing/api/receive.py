"""From request body to response: parses leads, stores them, and reports the result of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NoReturn
from uuid import UUID

from routing.after_commit import after_commit_try
from routing.api.answers import (
    TEST_LIMIT,
    describe_accepted,
    describe_decided,
    describe_incomplete,
    describe_new,
    describe_outcome,
    describe_rejected,
    describe_repeated,
    describe_test_limit,
)
from routing.api.errors import ApiError, FieldsInvalid, describe_fields
from routing.calendar.zones import load_zone
from routing.intake.daily_limit import seconds_to_next_day
from routing.intake.idempotency import (
    Answer,
    IdempotentRequest,
    KeyReused,
    StillRunning,
    answer_once,
    store_response,
)
from routing.intake.inline import decide_inline
from routing.intake.parse import CleanLead, LeadInvalid, parse_lead
from routing.intake.redeem import FIELD, USED, PingRefused, redeem
from routing.intake.store import (
    ExternalIdRepeated,
    PingUsedMeanwhile,
    Stored,
    StoredLead,
    TestLimitReached,
    store_lead,
    store_leads,
)
from routing.metrics.intake import LEADS_REJECTED, PINGED_LEADS
from routing.models import IntakeMode, SourceKey
from routing.queries import read_state_after_commit
from routing.values.normalize import FieldError

MAX_BATCH: Final = 1_000


def answer_idempotently(idempotent: IdempotentRequest | None, work: Callable[[], Answer]) -> Answer:
    try:
        return answer_once(idempotent, work)
    except KeyReused:
        message = "This Idempotency-Key was already used with another body. Use a new key for a new request."
        raise ApiError(message, status_code=422, code="idempotency_key_reused") from None
    except StillRunning:
        message = "The first request with this Idempotency-Key is still running. Try again in a moment."
        raise ApiError(message, status_code=409, code="idempotency_key_in_use") from None


def receive_lead(payload: object, *, key: SourceKey, is_decided_inline: bool) -> Answer:
    """Store one lead. Raises FieldsInvalid; ApiError 409 for a repeated external_id, 429 for too many test leads."""
    source = key.source
    try:
        lead = read_pinged_lead(payload, key=key, at=datetime.now(UTC))
        stored = store_lead(lead, source=source, channel="api", is_woken=not is_decided_inline)
    except LeadInvalid as invalid:
        LEADS_REJECTED.labels(channel="api").inc()
        raise FieldsInvalid(describe_fields(invalid.errors)) from None
    except ExternalIdRepeated as repeated:
        LEADS_REJECTED.labels(channel="api").inc()
        message, extra = describe_repeated(repeated.public_id)
        raise ApiError(message, status_code=409, extra=extra) from None
    except TestLimitReached:
        LEADS_REJECTED.labels(channel="api").inc()
        seconds = seconds_to_next_day(datetime.now(UTC))
        raise ApiError(
            describe_test_limit(), status_code=429, code=TEST_LIMIT, wait_seconds=seconds
        ) from None
    except PingUsedMeanwhile:
        raise _refuse_ping(PingRefused("ping_used", USED)) from None
    if lead.ping_id is not None:
        PINGED_LEADS.labels(outcome="used").inc()
    body = describe_new(stored, lead=lead)
    return Answer(201, body, undecided_lead_id=stored.lead_id if is_decided_inline else None)


def decide_received(answer: Answer, *, idempotent: IdempotentRequest | None, seconds: int) -> Answer:
    """Decide the lead of an answer whose decision is still open."""
    if answer.undecided_lead_id is None:
        return answer
    decided = decide_inline(answer.undecided_lead_id, UUID(answer.body["id"]), seconds=seconds)
    final = Answer(201, describe_outcome(decided, stored=answer.body))
    after_commit_try(
        "store_response", partial(store_response, idempotent, final, is_complete=_is_complete(final))
    )
    return final


def complete_replayed(answer: Answer, *, idempotent: IdempotentRequest | None) -> Answer:
    """Replace a stored answer that was not final by the lead's current state: its process died or could not read it."""
    if not answer.is_unfinished:
        return answer
    state = read_state_after_commit("replay", UUID(answer.body["id"]))
    if state is None:
        body = {**answer.body, "incomplete": describe_incomplete(answer.body["id"])}
    else:
        body = {**describe_decided(state), "warnings": answer.body.get("warnings", [])}
    final = Answer(201, body, is_replayed=True)
    if _is_complete(final):
        after_commit_try("store_response", partial(store_response, idempotent, final, is_complete=True))
    return final


def _is_complete(answer: Answer) -> bool:
    return "incomplete" not in answer.body


def receive_batch(payload: object, *, key: SourceKey) -> Answer:
    """Store the leads that are valid and new, all in one statement, with a result for each in order."""
    at = datetime.now(UTC)
    parsed = [_parse(item, key=key, at=at) for item in _read_batch(payload)]
    clean = [lead for lead in parsed if isinstance(lead, CleanLead)]
    stored = iter(store_leads(clean, source=key.source, channel="batch"))
    results = [
        _describe(next(stored), lead, index=index)
        if isinstance(lead, CleanLead)
        else describe_rejected(lead, index=index)
        for index, lead in enumerate(parsed)
    ]
    accepted = sum(result["status"] == "accepted" for result in results)
    LEADS_REJECTED.labels(channel="batch").inc(len(results) - accepted)
    return Answer(200, {"accepted": accepted, "rejected": len(results) - accepted, "results": results})


def _describe(outcome: Stored, lead: CleanLead, *, index: int) -> dict[str, Any]:
    if not isinstance(outcome, StoredLead):
        return describe_rejected(outcome, index=index)
    return describe_accepted(outcome, index=index, lead=lead)


def _parse(item: object, *, key: SourceKey, at: datetime) -> CleanLead | LeadInvalid:
    if isinstance(item, Mapping) and item.get(FIELD) not in (None, ""):
        return LeadInvalid(
            {FIELD: [FieldError("not_in_batch", "cannot be used in a batch: send the lead alone")]}
        )
    try:
        return _read_lead(_leave_out_ping(item), key=key, at=at)
    except LeadInvalid as invalid:
        return invalid


def read_pinged_lead(payload: object, *, key: SourceKey, at: datetime) -> CleanLead:
    """Read a lead that may name the ping whose price it wants. Raises LeadInvalid, and ApiError for the ping."""
    if not isinstance(payload, Mapping) or payload.get(FIELD) in (None, ""):
        return _read_lead(_leave_out_ping(payload), key=key, at=at)
    lead = _read_lead(_leave_out_ping(payload), key=key, at=at)
    try:
        return replace(lead, ping_id=redeem(payload[FIELD], lead, source=key.source, at=at))
    except PingRefused as refusal:
        raise _refuse_ping(refusal) from None


def _leave_out_ping(payload: object) -> object:
    if not isinstance(payload, Mapping):
        return payload
    return {name: value for name, value in payload.items() if name != FIELD}


def _refuse_ping(refusal: PingRefused) -> ApiError:
    """A ping whose time is over, or that was used, is a conflict; one that does not fit the lead is a wrong field."""
    LEADS_REJECTED.labels(channel="api").inc()
    PINGED_LEADS.labels(outcome=refusal.code).inc()
    extra: dict[str, Any] = {} if refusal.used_by is None else {"lead_id": str(refusal.used_by)}
    if refusal.field:
        extra["fields"] = {refusal.field: [{"code": refusal.code, "message": str(refusal)}]}
    status_code = 422 if refusal.field else 409
    message = f"{refusal.field} {refusal}" if refusal.field else str(refusal)
    return ApiError(message, status_code=status_code, code=refusal.code, extra=extra)


def _read_lead(payload: object, *, key: SourceKey, at: datetime) -> CleanLead:
    source = key.source
    return parse_lead(
        payload,
        default_vertical=source.default_vertical,
        at=at,
        is_lenient=source.intake_mode == IntakeMode.LENIENT,
        zone=load_zone(source.workspace.timezone),
        is_test=key.is_test,
    )


def _read_batch(payload: Any) -> Sequence[object]:
    if not isinstance(payload, dict):
        _refuse("non_field_errors", "invalid_type", 'must be an object like {"leads": [{...}]}')
    if unknown := [key for key in payload if key != "leads"]:
        name = "non_field_errors" if len(unknown) > 1 else unknown[0][:64]
        _refuse(name, "unknown_field", "is not a known field: send only leads")
    leads = payload.get("leads")
    if not isinstance(leads, list):
        _refuse("leads", "required" if leads is None else "invalid_type", "must be a list of leads")
    if not leads:
        _refuse("leads", "too_few", "is empty: send at least one lead")
    if len(leads) > MAX_BATCH:
        _refuse("leads", "too_many", f"has more than {MAX_BATCH} leads: send them in several batches")
    return leads


def _refuse(name: str, code: str, message: str) -> NoReturn:
    raise FieldsInvalid({name: [{"code": code, "message": message}]})
