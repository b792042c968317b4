"""Explains a lead: what happened, why, and what would have to change. Reads only.

It names only buyers and campaigns of the lead's workspace. The caller must check that the reader may see that
workspace.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Final

from distribution.explain.buyer import answer_for
from distribution.explain.lead_head import describe_lead
from distribution.explain.offers import describe_offers, read_places
from distribution.explain.participants import Participants, campaign_id_of, read_participants
from distribution.explain.places import ExplainedPlace
from distribution.explain.promise import describe_promise
from distribution.explain.sales import describe_sale, read_own_sales
from distribution.explain.types import (
    AttemptExplanation,
    BuyerRow,
    Explanation,
    FunnelStage,
    Step,
    TracedSale,
    TracedVerification,
)
from distribution.explain.verification import find_open, read_verifications
from distribution.models import Buyer
from routing.models import Lead
from tracing import wording
from tracing.models import Attempt, AttemptResult, LeadDistributionEvent
from tracing.narrator import (
    describe_attempt,
    describe_change,
    describe_events,
    describe_obstacles,
    needs_person,
)
from tracing.obstacles import fixer_of
from tracing.queries import TracedAttempt, read_attempts
from tracing.vocabulary import Event

BUYER_EVENTS: Final = frozenset({Event.BUYER_SKIPPED, Event.BUYER_SELECTED})
SELECTING: Final = frozenset({AttemptResult.SUCCESS, AttemptResult.POSTING})
# The events shown for an attempt in a workspace where the lead is no longer.
EVENTS_ELSEWHERE: Final = frozenset({Event.DISTRIBUTION_STARTED, Event.ROUTED})


def explain(
    lead: Lead,
    *,
    buyer: Buyer | None = None,
    latest: int | None = None,
    in_full: int | None = None,
    is_for_source: bool = False,
) -> Explanation:
    """Return the explanation of a lead in a constant number of statements.

    `buyer`: also answer why this buyer did or did not get it, and leave other buyers out of the attempts.
    `latest`: include only this many of the newest attempts. `in_full`: include only the buyers of this attempt.
    `is_for_source`: the reader is the lead's source and must not see leads of other sources.
    """
    buyer_id = buyer.pk if buyer else None
    read = read_attempts(lead.pk, latest=latest, buyer_id=buyer_id, in_full=in_full)
    traced = [each if _is_own(each.attempt, lead) else _without_decision(each) for each in read]
    assignments = list(read_own_sales(lead))
    places = read_places(lead.pk, traced=traced, buyer_id=buyer_id)
    participants = read_participants(
        lead,
        traced=traced,
        buyer_ids={each.buyer_id for each in assignments} | {each.buyer_id for each in places},
        is_for_source=is_for_source,
    )
    sales = tuple(describe_sale(each, participants) for each in assignments)
    results = [each.attempt.result for each in traced]
    verifications = read_verifications(lead, results=results, is_for_source=is_for_source)
    return _put_together(
        lead,
        participants,
        traced=traced,
        sales=sales,
        places=places,
        verifications=verifications,
        buyer=buyer,
    )


def _put_together(
    lead: Lead,
    participants: Participants,
    *,
    traced: Sequence[TracedAttempt],
    sales: tuple[TracedSale, ...],
    places: Sequence[ExplainedPlace],
    verifications: tuple[TracedVerification, ...],
    buyer: Buyer | None,
) -> Explanation:
    attempts = tuple(
        _describe_attempt(each, participants, is_of_one_buyer=buyer is not None) for each in traced
    )
    offers = describe_offers(
        places,
        numbers={each.attempt.pk: each.attempt.number for each in traced},
        name_of=participants.buyer,
        names=participants.names,
    )
    own = [explained for explained, each in zip(attempts, traced, strict=True) if _is_own(each.attempt, lead)]
    return Explanation(
        lead=describe_lead(
            lead, attempts=attempts, names=participants.names, waits_for=find_open(verifications)
        ),
        promise=describe_promise(lead),
        sales=sales,
        attempts=attempts,
        offers=offers,
        verifications=verifications,
        notes=(*_notes(lead, attempts=attempts), *_notes_of_others(lead, traced)),
        answer=None
        if buyer is None
        else answer_for(
            buyer,
            lead=lead,
            attempts=own,
            offers=offers,
            sales=sales,
            waits_for=find_open(verifications),
        ),
    )


def _is_own(attempt: Attempt, lead: Lead) -> bool:
    return attempt.destination_workspace_id in (lead.workspace_id, None)


def _without_decision(traced: TracedAttempt) -> TracedAttempt:
    """Remove everything but the attempt itself and the workspace to which it routed the lead.

    Buyers, prices and reasons are confidential.
    """
    attempt = copy(traced.attempt)
    attempt.skip_reason, attempt.campaign_id, attempt.config_version = "", None, None
    return TracedAttempt(attempt, [event for event in traced.events if event.event in EVENTS_ELSEWHERE])


def _describe_attempt(
    traced: TracedAttempt, participants: Participants, *, is_of_one_buyer: bool
) -> AttemptExplanation:
    """`is_of_one_buyer`: the events of other buyers are missing."""
    attempt, events = traced.attempt, traced.events
    has_selection = is_of_one_buyer and attempt.result in SELECTING
    sentences = describe_events(events, names=participants.names, has_selection=has_selection)
    described = list(zip(events, sentences, strict=True))
    return AttemptExplanation(
        attempt_id=attempt.pk,
        number=attempt.number,
        trigger=attempt.trigger,
        result=attempt.result,
        reason=attempt.skip_reason,
        headline=describe_attempt(attempt),
        campaign=participants.campaign(campaign_id_of(traced)),
        config_version=attempt.config_version,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        duration_ms=attempt.duration_ms,
        due_at=attempt.next_attempt_at,
        funnel=_funnel(events),
        steps=tuple(
            Step(event.seq, event.event, text, event.duration_ms)
            for event, text in described
            if event.event not in BUYER_EVENTS
        ),
        buyers=tuple(
            _describe_buyer(event, text, participants, is_last=needs_person(attempt.result))
            for event, text in described
            if event.event in BUYER_EVENTS
        ),
    )


def _funnel(events: Iterable[LeadDistributionEvent]) -> tuple[FunnelStage, ...]:
    for event in events:
        if event.event == Event.BUYER_POOL_COMPOSED:
            pairs = event.data.get("funnel") or []
            return tuple(FunnelStage(str(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2)
    return ()


def _describe_buyer(
    event: LeadDistributionEvent, sentence: str, participants: Participants, *, is_last: bool
) -> BuyerRow:
    is_skip = event.event == Event.BUYER_SKIPPED
    gates = tuple(describe_obstacles(event, names=participants.names))
    return BuyerRow(
        seq=event.seq,
        buyer=participants.buyer(event.buyer_id),
        outcome=event.outcome,
        reason=event.skip_reason,
        sentence=sentence,
        price_cents=event.cost_cents,
        gates=gates,
        change=describe_change(event, names=participants.names, is_last=is_last) if is_skip else "",
        # The first gate gave the reason; who can change it may depend on what the lead lacks.
        fixer=gates[0].fixer if gates else fixer_of(event.skip_reason, is_last=is_last),
    )


def _notes(lead: Lead, *, attempts: Sequence[AttemptExplanation]) -> Iterable[str]:
    """Notes on gaps that a reader could take for errors of the explanation."""
    numbers = {attempt.number for attempt in attempts}
    if lead.workspace.paused_at is not None:
        since = wording.moment(lead.workspace.paused_at)
        yield f"The workspace has been paused since {since}: nothing is distributed until it is resumed."
    if lead.attempts == 0:
        yield "No attempt has been made yet." if lead.finished_at is None else "No attempt was ever made."
    first = min(numbers, default=1)
    if first > 1:
        yield f"{wording.count(first - 1, 'earlier attempt')} not shown."
    lost = sorted(set(range(first, lead.attempts + 1)) - numbers)
    if lost:
        listed = ", ".join(map(str, lost[: wording.MAX_LISTED]))
        number = wording.count(len(lost), "attempt")
        yield f"{number} without a trace, because the trace could not be written: {listed}."


def _notes_of_others(lead: Lead, traced: Iterable[TracedAttempt]) -> Iterable[str]:
    others = [str(each.attempt.number) for each in traced if not _is_own(each.attempt, lead)]
    if others:
        listed = ", ".join(others[: wording.MAX_LISTED])
        yield f"{wording.count(len(others), 'attempt')} made in another workspace, which has its own buyers: {listed}."
