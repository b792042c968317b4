"""The explanation of a lead as text for a terminal or a page, with every fact that its JSON has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import TextWrapper
from typing import Final

from distribution.explain.types import (
    AttemptExplanation,
    BuyerExplanation,
    BuyerRow,
    Explanation,
    LeadHead,
    TracedOffer,
    TracedVerification,
)
from distribution.models import OfferKind
from tracing import wording
from tracing.obstacles import describe_fixer

WIDTH: Final = 96
LABEL_WIDTH: Final = 11


@dataclass(frozen=True, slots=True)
class TextLine:
    """`role` lets a terminal choose a color: head, good, bad, hint or plain."""

    text: str
    role: str = "plain"


def describe_lines(explanation: Explanation, *, width: int = WIDTH) -> Iterator[TextLine]:
    yield from _head(explanation.lead, width)
    promised = explanation.promise.sentence if explanation.promise is not None else ""
    yield from _labeled("promised", promised, width)
    for sale in explanation.sales:
        yield from _labeled("bought", sale.sentence, width, role="good")
    for note in explanation.notes:
        yield from _labeled("note", note, width)
    if explanation.answer is not None:
        yield TextLine("")
        yield from _answer(explanation.answer, width)
    for attempt in explanation.attempts:
        yield TextLine("")
        yield from _attempt(attempt, width)
        for offer in explanation.offers:
            if offer.attempt == attempt.number:
                yield from _offer(offer, width)
    for verification in explanation.verifications:
        yield TextLine("")
        yield from _verification(verification, width)


def _verification(verification: TracedVerification, width: int) -> Iterator[TextLine]:
    since = f"opened at {_when(verification.opened_at)}"
    ended = "" if verification.ended_at is None else f", ended at {_when(verification.ended_at)}"
    yield from _wrapped(f"Verification {since}{ended}: {verification.state_sentence}", width, role="head")
    yield from _labeled("next step", verification.next_step, width)
    passes = wording.one_of(verification.passes) if verification.passes else ""
    yield from _labeled("to pass", passes, width, role="hint")
    for call in verification.calls:
        over = f" over {call.channel}" if call.channel else ""
        lasted = "" if call.duration_seconds is None else f" ({call.duration_seconds} s)"
        role = "good" if call.outcome == "confirmed" else "plain"
        text = f"{call.title}{over} at {_when(call.placed_at)}{lasted}: {call.sentence}"
        yield from _wrapped(text, width, indent=2, role=role)
    for line in verification.story:
        by = f" ({line.operator})" if line.by else ""
        yield from _wrapped(f"- {_when(line.at)}: {line.sentence}{by}", width, indent=4)


def _offer(offer: TracedOffer, width: int) -> Iterator[TextLine]:
    what = "Auction" if offer.kind == OfferKind.AUCTION else "Offer"
    ended = "still open" if offer.ended_at is None else f"ended at {_when(offer.ended_at)}"
    yield from _wrapped(f"{what} opened at {_when(offer.opened_at)}, {ended}:", width, indent=2)
    for each in offer.buyers:
        role = "good" if each.bought_cents is not None else "plain"
        yield from _wrapped(f"- {each.sentence}", width, indent=4, role=role)
        yield from _hint(each.change, each.fixer, width, indent=8)


def _head(lead: LeadHead, width: int) -> Iterator[TextLine]:
    yield TextLine(f"Lead {lead.public_id}", "head")
    yield from _labeled("status", f"{lead.status}: {lead.status_sentence}", width)
    yield from _labeled("test", "A test lead: no buyer is charged." if lead.is_test else "", width)
    origin = lead.source_workspace or lead.workspace
    yield from _labeled("from", f"{lead.source} in {origin}: {lead.vertical}, {lead.zip}", width)
    yield from _labeled("now in", lead.workspace if lead.source_workspace else "", width)
    campaign = lead.campaign.name if lead.campaign else "none: no campaign has taken the lead"
    yield from _labeled("campaign", campaign, width)
    yield from _labeled("received", _when(lead.received_at), width)
    yield from _labeled("attempts", str(lead.attempts), width)
    if lead.reason:
        yield from _labeled("reason", f"{lead.reason}: {lead.reason_sentence}", width, role="bad")
    yield from _hint(lead.change, lead.fixer, width, indent=2)
    yield from _labeled("canceled", lead.cancel_reason, width)
    if lead.due_at:
        yield from _labeled("next due", f"{_when(lead.due_at)}. {lead.due_sentence}", width)
    if lead.finished_at:
        yield from _labeled("finished", _when(lead.finished_at), width)


def _answer(answer: BuyerExplanation, width: int) -> Iterator[TextLine]:
    role = "good" if answer.got_it else "bad"
    yield from _wrapped(answer.sentence, width, role=role)
    for each in answer.attempts:
        yield from _wrapped(f"Attempt {each.number}: {each.sentence}", width, indent=2)
        yield from _hint(each.change, each.fixer, width, indent=4)


def _attempt(attempt: AttemptExplanation, width: int) -> Iterator[TextLine]:
    yield from _wrapped(attempt.headline, width, role="head")
    steps: list[tuple[int, Iterable[TextLine]]] = [
        (step.seq, _wrapped(f"{step.seq}. {step.sentence}", width, indent=2)) for step in attempt.steps
    ]
    steps += [(row.seq, _buyer(row, width)) for row in attempt.buyers]
    for _, lines in sorted(steps, key=lambda step: step[0]):
        yield from lines


def _buyer(row: BuyerRow, width: int) -> Iterator[TextLine]:
    role = "good" if row.outcome == "selected" else "plain"
    yield from _wrapped(f"{row.seq}. {row.sentence}", width, indent=2, role=role)
    if len(row.gates) < 2:
        yield from _hint(row.change, row.fixer, width, indent=6)
        return
    for place, gate in enumerate(row.gates):
        if place > 0:  # the sentence already has the first
            yield from _wrapped(f"- {gate.finding}", width, indent=6)
        yield from _hint(gate.change, gate.fixer, width, indent=8 if place else 6)


def _hint(change: str, fixer: str, width: int, *, indent: int) -> Iterator[TextLine]:
    """What would have to change, and who can change it. Names no one if nothing has to change."""
    if change:
        who = "" if change.startswith("nothing") else f" ({describe_fixer(fixer)})"
        yield from _wrapped(f"to change{who}: {change}", width, indent=indent, role="hint")


def _when(at: datetime) -> str:
    return wording.moment(at)


def _labeled(label: str, text: str, width: int, *, role: str = "plain") -> Iterator[TextLine]:
    if not text:
        return
    first = f"  {label:<{LABEL_WIDTH}}"
    yield from _fold(text, width, first=first, following=" " * len(first), role=role)


def _wrapped(text: str, width: int, *, indent: int = 0, role: str = "plain") -> Iterator[TextLine]:
    margin = " " * indent
    yield from _fold(text, width, first=margin, following=margin + "   ", role=role)


def _fold(text: str, width: int, *, first: str, following: str, role: str) -> Iterator[TextLine]:
    """Ids and names are never split across lines, so they can be copied and searched."""
    wrapper = TextWrapper(
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in wrapper.wrap(text):
        yield TextLine(line, role)
