"""Turns a decision into the events of its attempt."""

from typing import Any

from distribution.engine import Decision, Selection, Skip, TierPrice
from tracing.recorder import Recorder
from tracing.vocabulary import Event


def record_decision(recorder: Recorder, decision: Decision, *, zip_code: str) -> None:
    """Record price, pool, and one event for each enrolled buyer: skipped or selected."""
    if not decision.prices:
        return  # the decision was made before any price was computed
    recorder.add(
        Event.PRICING_COMPUTED,
        cost_cents=decision.prices[0].price_cents,
        data={"tiers": [_price(price) for price in decision.prices]},
    )
    recorder.add(Event.BUYER_POOL_COMPOSED, data={"zip": zip_code, "funnel": decision.funnel})
    for skip in decision.skipped:
        _record_skip(recorder, skip)
    for selection in decision.selected:
        _record_selection(recorder, selection)


def _price(price: TierPrice) -> dict[str, Any]:
    return {
        "tier_id": price.tier_id,
        "base_cents": price.base_cents,
        "price_cents": price.price_cents,
        "applied": price.applied,
    }


def _record_skip(recorder: Recorder, skip: Skip) -> None:
    recorder.add(
        Event.BUYER_SKIPPED,
        buyer_id=skip.buyer_id,
        cost_cents=skip.price_cents,
        outcome="skipped",
        reason=skip.reason,
        data={"enrollment_id": skip.enrollment_id, "gates": skip.gates, **skip.data},
    )


def _record_selection(recorder: Recorder, selection: Selection) -> None:
    recorder.add(
        Event.BUYER_SELECTED,
        buyer_id=selection.buyer_id,
        cost_cents=selection.price_cents,
        outcome="selected",
        data={
            "enrollment_id": selection.enrollment_id,
            "tier_id": selection.tier_id,
            "rank": selection.rank,
            "rank_key": selection.rank_key,
            **({"overridden": selection.overridden} if selection.overridden else {}),
        },
    )
