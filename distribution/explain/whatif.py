"""Answers "what would have to change for this buyer to get this lead?", from what an attempt recorded. Reads only.

If possible, the answer is checked: the fixes are applied to copies of the attempt's snapshot and facts, and the engine
decides again. Improvements reveal prices and ranks of other buyers, so only the agency may read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distribution.engine import DecisionFacts, DefinitionError, FactsError, NotRepeatable, facts_from_json
from distribution.explain.remedy import Assessment, FixOutcome, NotEnrolled, WhatIfResult, assess
from distribution.explain.remedy.assess import DONE
from distribution.explain.remedy.improvements import Lift
from distribution.models import Buyer, read_snapshot
from routing.models import Lead
from tracing import wording
from tracing.models import Attempt
from tracing.narrator import describe_lead_change, describe_reason, needs_person
from tracing.obstacles import describe_clause, describe_fixer, describe_gate, first_fixer, fixer_of
from tracing.skip_reasons import Fixer


@dataclass(frozen=True, slots=True)
class Fix:
    """One obstacle. `change`: its nearest fix. `assumed`: what the check changed for it; "" if nothing."""

    gate: str
    fixer: str
    finding: str
    change: str
    assumed: str
    opens_at: str | None


@dataclass(frozen=True, slots=True)
class Remedy:
    """`fixer`: buyer, agency, lead, outranked or system; "" if nothing has to change.

    `ending`: the engine's result with all fixes: selected, offered, outranked, sold_out, never; "unchecked" if the
    engine could not run. `is_confirmed`: the engine then selects the buyer. `rank` of `ranked` eligible buyers.
    `is_by_hand`: a person chose the buyer of this attempt.
    """

    buyer: str
    attempt: int
    fixer: str
    ending: str
    is_confirmed: bool
    sentence: str
    fixes: tuple[Fix, ...]
    improvements: tuple[Lift, ...] = ()
    rank: int | None = None
    ranked: int | None = None
    price_cents: int | None = None
    is_by_hand: bool = False

    @property
    def fixer_name(self) -> str:
        return describe_fixer(self.fixer)


def what_would_help(lead: Lead, *, attempt: Attempt, buyer: Buyer) -> Remedy:
    """Runs one statement, or two if the facts of `attempt` were deferred. Never raises for an old or unusual attempt.

    The caller must check that the reader may see the lead and the buyer.
    """
    if buyer.workspace_id != lead.workspace_id:
        return _unchecked(
            buyer,
            attempt,
            fixer=Fixer.AGENCY,
            sentence="This buyer is in another workspace. A lead is only offered to buyers of its own workspace.",
        )
    try:
        definition, facts = _recorded(attempt)
        return _describe(assess(definition, facts, buyer_id=buyer.pk), attempt=attempt, buyer=buyer)
    except NotEnrolled:
        return _not_enrolled(buyer, attempt)
    except NotRepeatable as error:
        fixer = fixer_of(attempt.skip_reason, is_last=needs_person(attempt.result))
        return _unchecked(buyer, attempt, fixer=fixer, sentence=str(error))
    except (DefinitionError, FactsError, LookupError, TypeError, ValueError, AttributeError):
        sentence = "This version of LeadSwitch cannot read what the attempt recorded."
        return _unchecked(buyer, attempt, fixer="", sentence=sentence)


def _recorded(attempt: Attempt) -> tuple[Mapping[str, Any], DecisionFacts]:
    if not attempt.facts or attempt.campaign_id is None or attempt.config_version is None:
        change = describe_lead_change(attempt.skip_reason, is_last=needs_person(attempt.result))
        text = f"No buyers were considered in this attempt: {describe_reason(attempt.skip_reason)}"
        raise NotRepeatable(f"{text} {wording.sentence('to change: ' + change)}" if change else text)
    definition = read_snapshot(attempt.campaign_id, config_version=attempt.config_version)
    if definition is None:
        message = f"The campaign configuration that it used ({attempt.config_version}) is no longer stored."
        raise NotRepeatable(message)
    return definition, facts_from_json(attempt.facts)


def _describe(assessment: Assessment, *, attempt: Attempt, buyer: Buyer) -> Remedy:
    fixes = tuple(
        _describe_fix(each, timezone=buyer.timezone, is_last=needs_person(attempt.result))
        for each in assessment.fixes
    )
    return Remedy(
        buyer=buyer.name,
        attempt=attempt.number,
        fixer=_whose(assessment, fixes),
        ending=assessment.ending.value,
        is_confirmed=assessment.ending is WhatIfResult.SELECTED,
        sentence=_summarize(assessment, buyer.name, is_sold=attempt.result == "success"),
        fixes=fixes,
        improvements=assessment.improvements,
        rank=assessment.rank,
        ranked=assessment.ranked,
        price_cents=assessment.price_cents,
        is_by_hand=assessment.is_by_hand,
    )


def _describe_fix(fixed: FixOutcome, *, timezone: str, is_last: bool) -> Fix:
    gate = str(fixed.failure["gate"])
    if gate == "outside_campaign_hours":
        finding, change = describe_reason(gate), describe_lead_change(gate)
        return Fix(gate, Fixer.AGENCY, finding, change, fixed.assumed, fixed.failure["fixed_at"])
    if gate in ("locked", "bid_below_reserve"):
        change, fixer = describe_lead_change(gate, is_last=is_last), fixer_of(gate, is_last=is_last)
        return Fix(gate, fixer, describe_clause(gate), change, fixed.assumed, None)
    obstacle = describe_gate(fixed.failure, timezone=timezone)
    fixer = fixed.fixer or obstacle.fixer
    change = "make the question optional: no answer accepts this lead" if fixed.fixer else obstacle.change
    return Fix(gate, str(fixer), obstacle.finding, change, fixed.assumed, obstacle.opens_at)


def _whose(assessment: Assessment, fixes: tuple[Fix, ...]) -> str:
    first = first_fixer(fix.fixer for fix in fixes)
    if first or assessment.ending in DONE:
        return first
    return Fixer.OUTRANKED.value


def _summarize(assessment: Assessment, name: str, *, is_sold: bool) -> str:
    if assessment.ending is WhatIfResult.NEVER:
        return f"{name} cannot get this lead: {assessment.blocked_by}."
    if not assessment.fixes:
        return _summarize_eligible(assessment, name, is_sold=is_sold)
    condition = "With this change" if len(assessment.fixes) == 1 else "With all of these changes"
    if assessment.ending is WhatIfResult.OFFERED:
        return f"{condition}, {name} {_describe_chance(assessment)}."
    if assessment.ending is WhatIfResult.SELECTED:
        price = wording.money(assessment.price_cents or 0)
        place = f"rank {assessment.rank} of {assessment.ranked}"
        return f"{condition}, {name} would have gotten this lead for {price}: {place}."
    return f"{condition}, {name} would still not have gotten this lead: {_behind(assessment)}."


def _describe_chance(assessment: Assessment) -> str:
    """What a claim or a bid would have decided."""
    if assessment.is_auction:
        return "would have taken part in the auction; its bid would have decided"
    price = wording.money(assessment.price_cents or 0)
    return f"would have been shown this lead for {price}; the first claims would have decided"


def _summarize_eligible(assessment: Assessment, name: str, *, is_sold: bool) -> str:
    if assessment.ending is WhatIfResult.OFFERED:
        return f"{name} passed every check: it was shown this lead."
    if assessment.ending is WhatIfResult.SELECTED:
        got = " and got this lead" if is_sold else " and was selected, but the sale was rolled back"
        return f"{name} passed every check{got}."
    return f"{name} could have bought this lead, but {_behind(assessment)}."


def _behind(assessment: Assessment) -> str:
    if assessment.ending is WhatIfResult.SOLD_OUT:
        return "the lead was sold to as many buyers as the campaign allows before this attempt"
    if assessment.is_by_hand:
        return "an operator assigned the lead to another buyer"
    room = wording.count(assessment.free_slots, "buyer")
    return f"it ranks {assessment.rank} of {assessment.ranked} and there is room for {room}"


def _not_enrolled(buyer: Buyer, attempt: Attempt) -> Remedy:
    version = f"configuration {attempt.config_version}"
    sentence = f"{buyer.name} was not enrolled in the campaign at that time ({version})."
    return _unchecked(buyer, attempt, fixer=Fixer.AGENCY, sentence=sentence)


def _unchecked(buyer: Buyer, attempt: Attempt, *, fixer: str, sentence: str) -> Remedy:
    return Remedy(
        buyer=buyer.name,
        attempt=attempt.number,
        fixer=str(fixer),
        ending="unchecked",
        is_confirmed=False,
        sentence=sentence,
        fixes=(),
    )
