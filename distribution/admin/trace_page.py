"""The trace of a lead as its page shows it: tabs, a funnel, steps with times, rows of buyers. Reads an Explanation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.urls import reverse

from distribution.admin.trace_bids import BidTable, build_bids
from distribution.admin.trace_calls import VerificationPanel, build_verifications
from distribution.admin.trace_offers import OfferTable, build_offers
from distribution.explain.lead import explain
from distribution.explain.types import AttemptExplanation, BuyerRow, Explanation, LeadHead, TracedSale
from routing.models import Lead
from tracing.admin.columns import TONES
from tracing.narrator import TRIGGERS, describe_reason
from tracing.obstacles import (
    describe_clause,
    describe_fixer,
    describe_measures,
    describe_stage,
    first_fixer,
    fixer_of,
)
from tracing.skip_reasons import Fixer
from tracing.vocabulary import RESULTS
from tracing.wording import count

LATEST: Final = 100  # attempts that get a tab
LABELS: Final = {
    Fixer.BUYER.value: "buyer-fixable",
    Fixer.AGENCY.value: "agency-fixable",
    Fixer.LEAD.value: "lead-inherent",
    Fixer.OUTRANKED.value: "outranked",
    Fixer.SYSTEM.value: "resolves on its own",
}


class NoSuchAttempt(LookupError):
    """The lead has no attempt of this number, or it is too old for a tab."""


@dataclass(frozen=True, slots=True)
class AttemptTab:
    number: int
    result: str
    tone: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A stage of the funnel: numbers as text, `removed` "" for none. `percent` of the buyers that are enrolled."""

    words: str
    remaining: str
    removed: str
    percent: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of the attempt with its time. `elapsed`: since the attempt began."""

    seq: int
    event: str
    at: datetime
    elapsed: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """One buyer that did not get the lead. `more`: how many further gates failed.

    `label`: who can fix all of them, "" when it is who can fix the reason itself, as its group says.
    """

    buyer: str
    reason: str
    label: str
    required: str
    observed: str
    more: int
    url: str


@dataclass(frozen=True, slots=True)
class SkipGroup:
    """The buyers that were skipped for one reason."""

    reason: str
    clause: str
    label: str
    fixer: str
    rows: tuple[Skipped, ...]

    @property
    def count(self) -> str:
        return count(len(self.rows), "buyer")


@dataclass(frozen=True, slots=True)
class Panel:
    """One attempt."""

    number: int
    headline: str
    reason_sentence: str
    campaign: str
    config_version: int | None
    trigger: str
    bars: tuple[Bar, ...]
    moments: tuple[Moment, ...]
    winners: tuple[BuyerRow, ...]
    groups: tuple[SkipGroup, ...]
    skipped_count: str
    bids: BidTable | None = None
    offers: tuple[OfferTable, ...] = ()


@dataclass(frozen=True, slots=True)
class TracePage:
    lead: LeadHead
    status: str
    tone: str
    label: str
    fixer_name: str
    sales: tuple[TracedSale, ...]
    notes: tuple[str, ...]
    tabs: tuple[AttemptTab, ...]
    panel: Panel | None
    url: str
    promise: str = ""
    verifications: tuple[VerificationPanel, ...] = ()


def build_page(lead: Lead, *, number: int | None = None) -> TracePage:
    """The trace with the attempt `number` opened, the newest when None. A constant number of statements.

    Raises NoSuchAttempt.
    """
    chosen = lead.attempts if number is None else number
    explanation = explain(lead, latest=LATEST, in_full=chosen)
    attempt = _choose(explanation, number)
    if number is None and attempt is not None and attempt.number != chosen:
        # The trace of the newest attempt could not be written: the one before it is opened.
        return build_page(lead, number=attempt.number)
    return TracePage(
        lead=explanation.lead,
        status=explanation.lead.status_sentence.rstrip("."),
        tone=TONES.get(explanation.lead.status, ""),
        label=LABELS.get(explanation.lead.fixer, ""),
        fixer_name=describe_fixer(explanation.lead.fixer),
        sales=explanation.sales,
        notes=explanation.notes,
        tabs=tuple(_tab(each, lead, chosen=attempt) for each in reversed(explanation.attempts)),
        panel=None if attempt is None else _panel(attempt, lead, explanation),
        url=trace_url(lead.public_id),
        promise=explanation.promise.sentence if explanation.promise is not None else "",
        verifications=build_verifications(explanation.verifications, lead=lead),
    )


def trace_url(public_id: UUID, *, number: int | None = None, buyer: UUID | None = None) -> str:
    if number is None:
        return reverse("admin:routing_lead_trace", args=[public_id])
    if buyer is None:
        return reverse("admin:routing_lead_trace_attempt", args=[public_id, number])
    return reverse("admin:routing_lead_trace_buyer", args=[public_id, number, buyer])


def _choose(explanation: Explanation, number: int | None) -> AttemptExplanation | None:
    if number is None:
        return explanation.attempts[-1] if explanation.attempts else None
    for attempt in explanation.attempts:
        if attempt.number == number:
            return attempt
    raise NoSuchAttempt


def _tab(attempt: AttemptExplanation, lead: Lead, *, chosen: AttemptExplanation | None) -> AttemptTab:
    return AttemptTab(
        number=attempt.number,
        result=RESULTS.get(attempt.result, attempt.result),
        tone=TONES.get(attempt.result, "wait"),
        url=trace_url(lead.public_id, number=attempt.number),
        is_chosen=attempt is chosen,
    )


def _panel(attempt: AttemptExplanation, lead: Lead, explanation: Explanation) -> Panel:
    skipped = [_skipped(row, attempt, lead) for row in attempt.buyers if row.outcome != "selected"]
    return Panel(
        number=attempt.number,
        headline=attempt.headline,
        reason_sentence=describe_reason(attempt.reason) if attempt.reason else "",
        campaign=attempt.campaign.name if attempt.campaign else "",
        config_version=attempt.config_version,
        trigger=TRIGGERS.get(attempt.trigger, attempt.trigger),
        bars=tuple(_bars(attempt, zip_code=lead.zip)),
        moments=tuple(_moments(attempt)),
        winners=tuple(row for row in attempt.buyers if row.outcome == "selected"),
        groups=tuple(_group(skipped)),
        skipped_count=f"{len(skipped):,}",
        bids=build_bids(
            lead,
            at=attempt.started_at,
            events=[each.event for each in attempt.steps],
            offers=explanation.offers,
        ),
        offers=build_offers(explanation, attempt),
    )


def _bars(attempt: AttemptExplanation, *, zip_code: str) -> Iterator[Bar]:
    """The first stage, the last, and those between that removed a buyer."""
    stages = attempt.funnel
    enrolled = stages[0].remaining if stages else 0
    before = enrolled
    for place, stage in enumerate(stages):
        removed, before = before - stage.remaining, stage.remaining
        if removed or place in (0, len(stages) - 1):
            words = describe_stage(stage.stage, remaining=stage.remaining, zip_code=zip_code)
            percent = round(100 * stage.remaining / enrolled, 1) if enrolled else 0.0
            yield Bar(words, f"{stage.remaining:,}", f"{removed:,}" if removed else "", percent)


def _moments(attempt: AttemptExplanation) -> Iterator[Moment]:
    """A step without a time happened between its neighbors, so it gets the time of the step before it."""
    elapsed_ms = 0.0
    for step in attempt.steps:
        elapsed_ms = elapsed_ms if step.elapsed_ms is None else step.elapsed_ms
        yield Moment(
            seq=step.seq,
            event=step.event,
            at=attempt.started_at + timedelta(milliseconds=elapsed_ms),
            elapsed=f"+{_elapsed(elapsed_ms)}",
            sentence=step.sentence,
        )


def _elapsed(elapsed_ms: float) -> str:
    return f"{elapsed_ms / 1000:,.2f} s" if elapsed_ms >= 1000 else f"{elapsed_ms:.1f} ms"


def _group(skipped: Sequence[Skipped]) -> Iterator[SkipGroup]:
    """The most frequent reason first; the buyers of a reason stay in their order."""
    for reason, _ in Counter(each.reason for each in skipped).most_common():
        fixer = fixer_of(reason)
        rows = tuple(each for each in skipped if each.reason == reason)
        yield SkipGroup(reason, describe_clause(reason), LABELS.get(fixer, "not known"), fixer, rows)


def _skipped(row: BuyerRow, attempt: AttemptExplanation, lead: Lead) -> Skipped:
    required, observed = describe_measures(row.gates[0]) if row.gates else _without_gate(row)
    fixer = first_fixer(gate.fixer for gate in row.gates) or row.fixer
    known = row.buyer.public_id
    return Skipped(
        buyer=row.buyer.name,
        reason=row.reason,
        label="" if fixer == fixer_of(row.reason) else LABELS.get(fixer, "not known"),
        required=required,
        observed=observed,
        more=max(0, len(row.gates) - 1),
        url="" if known is None else trace_url(lead.public_id, number=attempt.number, buyer=known),
    )


def _without_gate(row: BuyerRow) -> tuple[str, str]:
    if row.reason in ("outranked", "outbid"):
        return "a better rank", "passed every gate"
    return ("not busy", "busy with another lead") if row.reason == "locked" else ("", "")
