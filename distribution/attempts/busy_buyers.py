"""Which buyers that other leads hold an attempt must wait for, and which it may pass over. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from distribution.engine import CompiledCampaign, Decision, DecisionFacts, LiveFacts, Selection, decide

JUST_NOW: Final = datetime.max.replace(tzinfo=UTC)


def passed_over(order: Sequence[int], got: frozenset[int], *, count: int) -> frozenset[int]:
    """Return which of `order` other leads hold: those before the last free one, or all others if too few were free."""
    if len(got) < count:
        return frozenset(order) - got
    last = max(place for place, each in enumerate(order) if each in got)
    return frozenset(order[:last]) - got


def list_selected(decision: Decision) -> frozenset[int]:
    return frozenset(selection.enrollment_id for selection in decision.selected)


def find_promised(
    campaign: CompiledCampaign, facts: DecisionFacts, *, busy: frozenset[int]
) -> frozenset[int]:
    """Return which busy buyers would be selected even after the lead that holds them is counted.

    Skipping those would break the campaign's mode or its number of buyers.
    """
    served: dict[int, LiveFacts] = {}
    while True:
        decision = decide(campaign, replace(facts, live={**facts.live, **served}))
        chosen = [each for each in decision.selected if each.enrollment_id in busy]
        if not chosen:
            return frozenset()
        twice = frozenset(each.enrollment_id for each in chosen) & served.keys()
        if twice:
            return twice
        for each in chosen:
            served[each.enrollment_id] = _after_sale(facts.live[each.enrollment_id], each)


def _after_sale(live: LiveFacts, selection: Selection) -> LiveFacts:
    return replace(live, last_assigned_at=JUST_NOW, virtual_finish=selection.new_virtual_finish)
