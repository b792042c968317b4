"""The record of one attempt. It writes the trace and the lead's row; `reporting` reads it for the log and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from distribution.attempts.chain import post_deadline, read_sold
from distribution.attempts.close_offer import ClosedOffer
from distribution.attempts.gating import Gated
from distribution.attempts.open_auction import OpenedAuction
from distribution.attempts.open_offer import OpenedOffer
from distribution.attempts.outcome import STATUS_AFTER, AttemptOutcome
from distribution.attempts.trace import record_decision
from distribution.engine import CompiledCampaign, Decision, DecisionFacts, facts_to_json
from routing.leads.finish import VERIFICATION_REQUIRED, close_attempt
from routing.locks.attempts import LockedLead
from routing.models import LeadStatus
from routing.retry import NextStep, Tries, next_step
from routing.rules.duplicates import FirstLead
from routing.rules.route import Route
from tracing.attempt_parts import AttemptEnd
from tracing.models import AttemptResult
from tracing.recorder import Recorder
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import Event

# Reasons with a result of their own.
RESULT_OF: Final = {
    "lead_expired": AttemptResult.EXPIRED,
    "duplicate_lead": AttemptResult.DUPLICATE,
}
UNCLAIMED: Final = "offer_unclaimed"
SOLD: Final = NextStep(AttemptResult.SUCCESS, None)
POSTING: Final = NextStep(AttemptResult.POSTING, None)
GATED: Final = NextStep(AttemptResult.GATED, None)


@dataclass(frozen=True, slots=True)
class Decided:
    """A final decision with its campaign and facts."""

    campaign: CompiledCampaign
    facts: DecisionFacts
    decision: Decision

    @property
    def is_held(self) -> bool:
        """Whether the price is held until the buyer's system answers. A sale by hand or by claim is charged at once."""
        is_on_acceptance = self.campaign.sells_on == "acceptance" and self.facts.chosen is None
        return is_on_acceptance and self.facts.phase in ("push", "bids") and bool(self.decision.selected)

    def facts_json(self) -> Mapping[str, Any]:
        return facts_to_json(self.facts)


@dataclass(frozen=True, slots=True)
class Unsold:
    """Why a lead was not sold, and when to try again (None: a person must act)."""

    reason: str
    retry_class: RetryClass
    retry_at: datetime | None = None


def find_unsold(decision: Decision) -> Unsold | None:
    if decision.verdict is None:
        return None
    verdict = decision.verdict
    return Unsold(verdict.reason, RetryClass(verdict.retry_class), verdict.retry_at)


@dataclass(slots=True)
class AttemptRecord:
    """`lead`: the locked row, with the workspace that its rules sent it to. `locked_in`: the workspace at the lock.

    `unsold` is None exactly when the lead was sold, is offered, waits for a verification (`gated`) or, if `held` is not
    empty, a buyer's system is asked.
    `cause`: the exception that rolled the attempt back. `closed`: the offer that ended with this attempt, or before the
    chain of posts that it goes on with. `failed`: the auction in which nobody was asked, that it opens again.
    `opened`: the one that began with it. `ended_by`: of a lead that buyers had before, why no other buyer gets it.
    """

    lead: LockedLead
    trace: Recorder
    locked_in: int
    route: Route | None = None
    decided: Decided | None = None
    unsold: Unsold | None = None
    assignments: tuple[UUID, ...] = ()
    held: tuple[UUID, ...] = ()
    closed: ClosedOffer | None = None
    failed: ClosedOffer | None = None
    opened: OpenedOffer | OpenedAuction | None = None
    gated: Gated | None = None
    step: NextStep = SOLD
    cause: str = ""
    ended_by: str = ""
    duration_ms: float = 0.0
    is_traced: bool = False

    @property
    def at(self) -> datetime:
        return self.trace.head.started_at

    @property
    def skip_reason(self) -> str:
        if self.gated is not None:
            return VERIFICATION_REQUIRED
        return self.unsold.reason if self.unsold else ""

    @property
    def seed(self) -> int:
        return seed_of(self.trace.head.id)

    @property
    def charged_cents(self) -> int:
        return 0 if self.lead.is_test else self.price_cents

    @property
    def price_cents(self) -> int:
        """What the selected buyers pay in all, or would pay for a test lead."""
        if self.decided is None or not self.assignments:
            return 0
        return sum(selection.price_cents for selection in self.decided.decision.selected)

    @property
    def has_bids(self) -> bool:
        """Whether it says what became of each place of the auction that it closed."""
        return any(event is Event.BID_RECEIVED for event, *_ in self.trace.rows)

    @property
    def passed(self) -> tuple[int, ...]:
        """The campaigns whose offers of this lead ended just before."""
        if self.closed is not None:
            return self.closed.passed
        return () if self.failed is None else self.failed.passed[:-1]

    @property
    def workspace_ids(self) -> list[int]:
        """The workspace where the lead was locked, and those it passes through. A pause of any stops the sale."""
        return [self.locked_in, self.lead.workspace_id, *(to for _, _, to in self.trace.route.hops)]

    @property
    def rule_id(self) -> int | None:
        """The last routing rule on the lead's route."""
        return self.route.path[-1].rule.id if self.route and self.route.path else None

    @property
    def first(self) -> FirstLead | None:
        """The lead that makes this one a duplicate."""
        is_duplicate = self.step.result == AttemptResult.DUPLICATE
        return self.route.first if self.route and is_duplicate else None

    def find_step(self) -> NextStep:
        """Return the lead's next step."""
        if self.opened is not None:
            # Whether an auction takes place is known at its end: until then the tries of before count.
            tries = self.lead.tries if isinstance(self.opened, OpenedAuction) else Tries()
            return NextStep(AttemptResult.OFFERED, self.opened.closes_at, tries)
        if self.gated is not None:
            return GATED
        if self.unsold is None:
            return POSTING if self.held else SOLD
        if self.unsold.reason in RESULT_OF:
            return self._end_chain(NextStep(RESULT_OF[self.unsold.reason], None))
        step = next_step(
            self.lead,
            retry_class=self.unsold.retry_class,
            retry_at=self.unsold.retry_at,
            at=self.at,
            backoffs=settings.LEADSWITCH_TUNING.backoffs,
            seed=self.seed,
            is_urgent=self.lead.status == LeadStatus.OFFERED,
        )
        return self._end_chain(step)

    def _end_chain(self, step: NextStep) -> NextStep:
        """A lead that a buyer has accepted is sold when no other buyer gets it now."""
        return SOLD if self.lead.is_partly_sold and step.result != AttemptResult.RETRY else step

    def conclude(self, step: NextStep, *, using: str = "default") -> None:
        """Set the next step and add the trace's last event. `using`: the connection whose transaction writes both."""
        self.step = step
        if self.opened is not None:
            opened = {**self.opened.describe(), **self.mark_test()}
            self.trace.add(self.opened.event, outcome=step.result, data=opened)
        elif self.gated is not None:
            self.trace.add(
                Event.GATED_FOR_VERIFICATION,
                outcome=step.result,
                reason=VERIFICATION_REQUIRED,
                data=self.gated.describe(),
            )
        elif self.held:
            self._start_delivery()
        elif self.unsold is not None and step.result == AttemptResult.SUCCESS:
            self._conclude_sold_before(self.unsold, using=using)
        elif self.unsold is None:
            data: dict[str, Any] = {"buyers": len(self.assignments), **self.mark_test()}
            self.trace.add(Event.DISTRIBUTED, cost_cents=self.price_cents, outcome=step.result, data=data)
        else:
            data = {**self._describe_failure(), "due_at": step.due_at.isoformat() if step.due_at else None}
            self.trace.add(Event.FAILED, outcome=step.result, reason=self.unsold.reason, data=data)

    def _start_delivery(self) -> None:
        assert self.decided is not None  # noqa: S101 - a hold follows a decision
        [selection], [assignment_id] = self.decided.decision.selected, self.held
        deadline_at = post_deadline(self.lead.posting_from or self.at, self.decided.campaign)
        self.trace.add(
            Event.DELIVERY_STARTED,
            buyer_id=selection.buyer_id,
            cost_cents=selection.price_cents,
            outcome=self.step.result,
            data={
                "assignment": str(assignment_id),
                "deadline_at": deadline_at.isoformat(),
                **self.mark_test(),
            },
        )

    def mark_test(self) -> dict[str, Any]:
        return {"is_test": True} if self.lead.is_test else {}

    def _conclude_sold_before(self, unsold: Unsold, *, using: str) -> None:
        """The lead is sold by the buyers that accepted it before this attempt."""
        buyers, cents = read_sold(self.lead.id, using=using)
        self.unsold = None
        # The offer's own event says that nobody else claimed it.
        self.ended_by = "" if unsold.reason == UNCLAIMED else unsold.reason
        ended_by = {"ended_by": self.ended_by} if self.ended_by else {}
        data = {"buyers": buyers, **ended_by, **self.mark_test()}
        self.trace.add(Event.DISTRIBUTED, cost_cents=cents, outcome=self.step.result, data=data)

    def _describe_failure(self) -> dict[str, Any]:
        if self.cause:
            return {"cause": self.cause}
        verdict = self.decided.decision.verdict if self.decided else None
        data: dict[str, Any] = {"emptied_by": verdict.emptied_by if verdict else None}
        if self.trace.route.first_lead_id is not None:
            data["first_lead_id"] = self.trace.route.first_lead_id
        return data

    def write_decision(self) -> None:
        """Add the events of the decision."""
        assert self.decided is not None  # noqa: S101 - called after the decision
        record_decision(self.trace, self.decided.decision, zip_code=self.lead.zip)

    def write_row(self) -> None:
        """Write the lead's next state. Raises LeadMoved (see close_attempt)."""
        close_attempt(
            self.lead.id,
            workspace_id=self.lead.workspace_id,
            status=STATUS_AFTER[AttemptResult(self.step.result)],
            skip_reason=self.skip_reason,
            attempts=self.trace.head.number,
            step=self.step,
            at=self.at,
        )

    def write_trace(self, *, using: str = "default") -> None:
        self.duration_ms = self.trace.elapsed_ms
        decided = self.decided
        end = AttemptEnd(
            result=self.step.result,
            finished_at=self.at + timedelta(milliseconds=self.duration_ms),
            duration_ms=self.duration_ms,
            skip_reason=self.skip_reason,
            transient=self.step.result == AttemptResult.RETRY,
            next_attempt_at=self.step.due_at,
            destination_workspace_id=self.lead.workspace_id,
            campaign_id=decided.campaign.id if decided else self._find_offered_by(),
            config_version=decided.campaign.config_version if decided else None,
            facts=decided.facts_json() if decided else {},
        )
        self.is_traced = self.trace.write(end, using=using)

    def _find_offered_by(self) -> int | None:
        """The campaign whose offer this attempt closed: without a decision, it did not sell the lead.

        A lead that its rules sent elsewhere is no longer a lead of that campaign.
        """
        is_moved = self.lead.workspace_id != self.locked_in
        return None if self.closed is None or is_moved else self.closed.campaign_id

    def make_outcome(self) -> AttemptOutcome:
        return AttemptOutcome(
            lead_id=self.lead.id,
            public_id=self.lead.public_id,
            attempt_id=self.trace.head.id,
            result=self.step.result,
            skip_reason=self.skip_reason,
            next_attempt_at=self.step.due_at,
            assignments=self.assignments,
            charged_cents=self.charged_cents,
            duration_ms=self.duration_ms,
            is_traced=self.is_traced,
            rule_id=self.rule_id,
            duplicate_of=self.first.public_id if self.first else None,
        )


def seed_of(attempt_id: UUID) -> int:
    """The attempt's id is unique: its low bits (random in a UUIDv7) break ties and spread retries."""
    return attempt_id.int & 0xFFFF_FFFF_FFFF
