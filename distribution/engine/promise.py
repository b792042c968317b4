"""Keeps the price that a source was promised for a lead: nothing is sold for which its contract pays less."""

from collections.abc import Sequence
from typing import Final

from distribution.engine.ranking import Ranked
from distribution.engine.types import Promise, Terms

WHOLE_SHARE_BPS: Final = 10_000
BELOW: Final = "below_promised_price"
ENDED: Final = "promise_ended"


def earned_cents(terms: Terms, *, revenue_cents: int) -> int:
    """What the source earns with a lead that is sold for the revenue. A share is rounded half to even, once."""
    if terms.pays == "share":
        return _half_even(terms.amount * revenue_cents, WHOLE_SHARE_BPS)
    return terms.amount if terms.pays == "fixed" else 0


def keep_promise(
    promise: Promise | None, ranked: list[Ranked], *, free_slots: int
) -> tuple[list[Ranked], list[Ranked]]:
    """Split the candidates into those that may be selected, in their order, and those that pay too little.

    While the first `free_slots` pay the source less than it was promised, the cheapest of them makes room for the next.
    """
    if promise is None or free_slots == 0:
        return ranked, []
    kept, dropped = list(ranked), list[Ranked]()
    while kept and not _is_enough(promise, kept[:free_slots]):
        places = range(min(free_slots, len(kept)))
        dropped.append(kept.pop(min(places, key=lambda place: kept[place].candidate.price_cents)))
    return kept, dropped


def keeps_promise_alone(promise: Promise | None, ranked: Ranked) -> bool:
    """Whether a sale to this candidate alone pays the source what it was promised."""
    return promise is None or _is_enough(promise, [ranked])


def price_to_keep(promise: Promise) -> int | None:
    """The smallest price at which a sale to one buyer pays the source what it was promised. None: no price does."""
    terms = promise.terms
    if terms.pays != "share" or terms.amount <= 0:
        return 0 if earned_cents(terms, revenue_cents=0) >= promise.price_cents else None
    least = max(
        0, promise.price_cents * WHOLE_SHARE_BPS // terms.amount - WHOLE_SHARE_BPS // terms.amount - 1
    )
    while earned_cents(terms, revenue_cents=least) < promise.price_cents:
        least += 1
    return least


def _is_enough(promise: Promise, selected: Sequence[Ranked]) -> bool:
    revenue_cents = sum(each.candidate.price_cents for each in selected)
    return earned_cents(promise.terms, revenue_cents=revenue_cents) >= promise.price_cents


def _half_even(number: int, divisor: int) -> int:
    quotient, rest = divmod(number, divisor)
    return quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1))
