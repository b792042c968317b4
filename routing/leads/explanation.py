"""Explains to the sender of a lead what happened, why, and what the sender can change.

It reveals nothing about buyers: no name, price, cap, balance or filter, only how many bought the lead. For a lead that
rules sent to another workspace, it gives only reasons in the lead itself. Pure: takes rows and returns text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from routing.models import Lead, LeadStatus
from routing.queries import LeadState
from tracing import wording
from tracing.models import AttemptResult
from tracing.queries import TracedAttempt
from tracing.skip_reasons import SKIP_REASONS, Fixer
from tracing.vocabulary import Event

# Gates that read fields of the lead: a sender can satisfy them by sending a missing field.
FIELD_GATES: Final = frozenset({"lead_filter_rejected", "onboarding_mismatch"})
AREA_GATE: Final = "outside_service_area"
TRIGGERS: Final = {
    "ingest": "first attempt",
    "retry": "retry",
    "manual": "re-run",
    "woken": "after a change",
    "claim": "claim",
    "offer_closed": "end of an offer",
    "delivery": "answer of a buyer's system",
    "verification": "end of its verification",
}


OUTCOMES: Final[Mapping[str, str]] = {
    AttemptResult.SUCCESS: "sold",
    AttemptResult.POSTING: "a buyer was asked",
    AttemptResult.OFFERED: "offered to buyers",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """`fixer` is sender, operator, time (it resolves on its own) or nobody; "" if nothing is in the way."""

    sentence: str
    change: str = ""
    fixer: str = ""


@dataclass(frozen=True, slots=True)
class SentAttempt:
    number: int
    trigger: str
    result: str
    reason: str | None
    sentence: str
    started_at: datetime
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class SenderExplanation:
    """`missing_fields` are fields that buyers require and the lead lacks."""

    summary: str
    change: str
    fixer: str
    missing_fields: tuple[str, ...]
    attempts: tuple[SentAttempt, ...]


WAIT: Final = "Wait: the lead is retried automatically."
ASK: Final = "Ask the operator. The lead itself does not have to change."
RETRIED: Final = (
    "Wait: the lead is retried automatically a few times. If all retries fail, an operator must run it again."
)
UNSOLD: Final = Advice("No buyer could take this lead.", ASK, "operator")
NOT_NOW: Final = Advice("No buyer takes leads like this one right now.", WAIT, "time")
CLOSED: Final = Advice("Leads are not sold at this time of day.", WAIT, "time")
BUSY: Final = Advice("LeadSwitch could not decide on the lead then.", WAIT, "time")
PRODUCT_FAILED: Final = Advice("A system error occurred. The lead was not sold.", RETRIED, "operator")
PAUSED: Final = Advice("Selling is paused.", "Wait: the lead is tried when selling resumes.", "operator")
ADVICE: Final[Mapping[str, Advice]] = {
    "no_campaign": Advice(
        "Leads of this vertical from this source are not sold.",
        "Send a vertical that is sold, or ask the operator to add a campaign for this one.",
        "sender",
    ),
    "no_enrolled_buyers": UNSOLD,
    "no_eligible_buyers": UNSOLD,
    "no_eligible_buyers_after_tier_filters": UNSOLD,
    "insufficient_credits": UNSOLD,
    "all_buyers_capped": NOT_NOW,
    "all_buyers_outside_hours": NOT_NOW,
    "outside_workspace_hours": CLOSED,
    "outside_campaign_hours": CLOSED,
    "tier_lock_contention": BUSY,
    "database_timeout": BUSY,
    "worker_lost": PRODUCT_FAILED,
    "lock_expired": PRODUCT_FAILED,
    "internal_error": PRODUCT_FAILED,
    "lead_expired": Advice("It expired before it was sold.", "Nothing: send fresh leads.", "nobody"),
    "duplicate_lead": Advice(
        "An earlier lead for the same person was received.",
        "Nothing. The earlier lead counts. Send each person only once.",
        "nobody",
    ),
    "workspace_paused": PAUSED,
    "verification_required": Advice(
        "The person is verified in a call first.",
        "Wait, or send leads with proof of consent if that is enough.",
        "time",
    ),
    "not_verified": Advice("The person could not be reached in a call.", ASK, "operator"),
    "not_callable": Advice("The person cannot be called.", ASK, "operator"),
    "verification_declined": Advice(
        "The person said that they do not want this.", "Nothing: the person does not want this.", "nobody"
    ),
    "rejected_lead": Advice("A buyer's system rejected the lead.", WAIT, "time"),
    "promise_ended": Advice(
        "No buyer paid the promised price in time, and leads of this source are not sold for less.",
        "Send the lead again without a ping_id, or ask the operator. If you send an external_id, use a new one.",
        "sender",
    ),
    "below_promised_price": Advice("No buyer pays the price that you were promised.", WAIT, "time"),
    "post_deadline_passed": Advice("No buyer accepted the lead in time.", ASK, "operator"),
    "no_bids": Advice("Buyers were asked for bids, and none bid for the lead.", ASK, "operator"),
    "buyers_not_asked": PRODUCT_FAILED,
    "below_reserve": Advice("No buyer bid enough for the lead.", ASK, "operator"),
    "offer_unclaimed": Advice("The lead was offered to buyers, and no buyer claimed it.", ASK, "operator"),
}
# What the sender of a lead with a ping may know, wherever the lead went.
OF_PROMISES: Final = frozenset({"promise_ended", "below_promised_price"})
# About the lead's person, even though an operator can change it.
OF_PERSON: Final = frozenset({"verification_required", "not_verified", "not_callable"})
# Of a failed lead they would promise an attempt that never comes.
RETRIED_BY_ITSELF: Final = (NOT_NOW, CLOSED, BUSY, PRODUCT_FAILED, PAUSED)
ELSEWHERE: Final = Advice("The lead was sent to a partner.", "Nothing. The partner decides.", "nobody")
GIVEN_BACK: Final = Advice(
    "The lead was sold, and its buyers returned it.", "Nothing. The lead is finished.", "nobody"
)
FIRST: Final = Advice("The lead waits for its first attempt.", "Wait: it is tried automatically.", "time")
HELD: Final = Advice("An operator paused the lead.", "Ask the operator to resume it.", "operator")
SHOWN: Final = Advice("Buyers are deciding whether they buy the lead.", "Wait until the offer ends.", "time")
ASKED: Final = Advice("A buyer is deciding whether it accepts the lead.", "Wait for its answer.", "time")
IN_WORK: Final = Advice("The lead is being processed.", "Wait for the result.", "time")


def explain_to_sender(lead: Lead, state: LeadState, attempts: Sequence[TracedAttempt]) -> SenderExplanation:
    """`attempts` are in order; the last one has the events of its buyers. Needs the lead's workspace loaded."""
    last = attempts[-1] if attempts and attempts[-1].attempt.number == lead.attempts else None
    is_unsold = last is not None and not state.is_elsewhere and last.attempt.result == AttemptResult.UNSOLD
    missing = tuple(find_missing_fields(last.events)) if is_unsold and last is not None else ()
    advice = _advise(lead, state, last=last if is_unsold else None, missing=missing)
    return SenderExplanation(
        summary=_with_due_time(advice.sentence, lead),
        change=advice.change,
        fixer=advice.fixer,
        missing_fields=missing,
        attempts=tuple(_describe_attempt(each.attempt, state) for each in attempts),
    )


def _advise(lead: Lead, state: LeadState, *, last: TracedAttempt | None, missing: Sequence[str]) -> Advice:
    if lead.status == LeadStatus.POSTING:
        return ASKED
    if lead.status == LeadStatus.OFFERED:
        return SHOWN
    if lead.status == LeadStatus.DISTRIBUTED:
        return Advice(f"Sold to {wording.count(state.buyers, 'buyer')}." if state.buyers else "Sold.")
    if lead.status == LeadStatus.RETURNED:
        return GIVEN_BACK
    if lead.status == LeadStatus.CANCELLED:
        because = f": {lead.cancel_reason}" if lead.cancel_reason else ""
        return Advice(wording.sentence(f"canceled{because}"), "Nothing. The lead is finished.", "nobody")
    if lead.status == LeadStatus.PENDING and lead.paused_at is not None:
        return HELD
    if lead.status == LeadStatus.PENDING and not state.is_elsewhere and lead.workspace.paused_at is not None:
        return PAUSED
    if missing:
        return _describe_missing(missing)
    if last is not None and _is_out_of_every_area(last.events):
        return _describe_area(lead)
    return _of_reason(lead, state)


def _of_reason(lead: Lead, state: LeadState) -> Advice:
    reason = visible_reason(lead.skip_reason, is_elsewhere=state.is_elsewhere)
    if reason:
        advice = ADVICE.get(reason, UNSOLD)
        is_over = lead.status == LeadStatus.FAILED and advice in RETRIED_BY_ITSELF
        return replace(advice, change=ASK, fixer="operator") if is_over else advice
    if state.is_elsewhere:
        return ELSEWHERE
    if lead.status == LeadStatus.PENDING:
        return FIRST if lead.attempts == 0 else BUSY
    return IN_WORK if lead.finished_at is None else UNSOLD


def visible_reason(reason: str, *, is_elsewhere: bool) -> str:
    """The reason, or "" if it is confidential to another workspace."""
    known = SKIP_REASONS.get(reason)
    is_shown = reason in OF_PROMISES | OF_PERSON or (known is not None and known.fixer is Fixer.LEAD)
    return reason if is_shown or not is_elsewhere else ""


def find_missing_fields(events: Iterable[Any]) -> list[str]:
    """Fields that the lead lacks and whose absence alone made some buyer skip it."""
    return find_missing(_gates_of_buyers(events))


def find_missing(gates_of_buyers: Iterable[Sequence[Mapping[str, Any]]]) -> list[str]:
    missing: dict[str, None] = {}
    for gates in gates_of_buyers:
        lacked = [_missing_in(gate) for gate in gates]
        if lacked and all(lacked):
            missing.update(dict.fromkeys(name for names in lacked for name in names))
    return sorted(missing)


def _gates_of_buyers(events: Iterable[Any]) -> Iterator[list[Mapping[str, Any]]]:
    for event in events:
        if event.event == Event.BUYER_SKIPPED and isinstance(event.data, Mapping):
            yield [gate for gate in event.data.get("gates") or [] if isinstance(gate, Mapping)]


def _missing_in(gate: Mapping[str, Any]) -> list[str]:
    """The fields that a gate found missing; none if a present field failed too."""
    if gate.get("gate") not in FIELD_GATES:
        return []
    failures = [each for each in gate.get("failures") or [] if isinstance(each, Mapping)]
    lacking = [each["field"] for each in failures if each.get("field") and not _has(each)]
    return lacking if len(lacking) == len(failures) else []


def _has(failure: Mapping[str, Any]) -> bool:
    """Consent is a flag: the field of a lead without consent is false."""
    return failure.get("observed") is not None and (failure["field"], failure["observed"]) != (
        "consent",
        False,
    )


def _is_out_of_every_area(events: Iterable[Any]) -> bool:
    return is_out_of_every_area(_gates_of_buyers(events))


def is_out_of_every_area(gates_of_buyers: Iterable[Sequence[Mapping[str, Any]]]) -> bool:
    codes = [{gate.get("gate") for gate in gates} for gates in gates_of_buyers]
    return bool(codes) and all(AREA_GATE in each for each in codes)


def _describe_missing(missing: Sequence[str]) -> Advice:
    names = ", ".join(wording.field_name(each) for each in missing)
    change = f"Send the lead again with {names}. If you send an external_id, use a new one."
    return Advice(f"No buyer takes this lead without {names}.", change, "sender")


def _describe_area(lead: Lead) -> Advice:
    change = (
        "Send leads from areas with buyers. If the ZIP code is wrong, send the lead again with the right one."
    )
    return Advice(f"No buyer takes leads from {lead.zip}.", change, "sender")


def _with_due_time(sentence: str, lead: Lead) -> str:
    if lead.next_attempt_at is None or lead.paused_at is not None or lead.attempts == 0:
        return sentence
    return f"{sentence} The next attempt is at {wording.moment(lead.next_attempt_at)}."


def _describe_attempt(attempt: Any, state: LeadState) -> SentAttempt:
    is_other = state.is_elsewhere or attempt.destination_workspace_id != attempt.source_workspace_id
    reason = visible_reason(attempt.skip_reason, is_elsewhere=is_other)
    return SentAttempt(
        number=attempt.number,
        trigger=attempt.trigger,
        result=attempt.result,
        reason=reason or None,
        sentence=_narrate(attempt, reason=reason),
        started_at=attempt.started_at,
        next_attempt_at=attempt.next_attempt_at,
    )


def _narrate(attempt: Any, *, reason: str) -> str:
    trigger = TRIGGERS.get(attempt.trigger, attempt.trigger)
    outcome = OUTCOMES.get(attempt.result, "not sold")
    why = f" {ADVICE.get(reason, UNSOLD).sentence}" if reason else ""
    return f"Attempt {attempt.number} ({trigger}) at {wording.moment(attempt.started_at)}: {outcome}.{why}"
