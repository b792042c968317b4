"""Rounds in which 200 claims of one exclusive lead come at once, and what each round must leave behind."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import UUID

from django.db import connection

from distribution.models import Campaign
from routing.queries import read_clock
from tests.support.claimants import Claimants
from tests.support.offers import CREDITS_CENTS, buyers_of, offering_campaign, open_offer_of

# Each buyer claims twice. The winner's other claim is the same sale.
BUYERS: Final = 100
AT_ONCE: Final = 2 * BUYERS
# One buyer could win every round.
PRICE_CENTS: Final = CREDITS_CENTS // 400

LEFT_BEHIND: Final = """
SELECT
    (SELECT count(*) FROM distribution_assignment a WHERE a.lead_id = o.lead_id AND a.state = 'sold'),
    (SELECT count(*) FROM distribution_ledgerentry e JOIN distribution_assignment a ON a.id = e.assignment_id
     WHERE a.lead_id = o.lead_id AND e.kind = 'charge' AND e.amount_cents = -a.price_cents),
    (SELECT count(*) FROM distribution_offerbuyer b WHERE b.offer_id = o.id AND b.claimed_at IS NOT NULL),
    (SELECT count(*) FROM distribution_offerbuyer b WHERE b.offer_id = o.id AND b.lost_reason = 'taken'),
    (SELECT count(*) FROM tracing_attempt t WHERE t.lead_id = o.lead_id)
FROM distribution_offer o WHERE o.public_id = %s
"""
EXPECTED: Final = (1, 1, 1, BUYERS - 1, 2)


@dataclass(frozen=True, slots=True)
class Round:
    """`longest_ms`: until the last claim was answered. `broken`: what must not be."""

    broken: list[str]
    longest_ms: int


def crowded_campaign() -> Campaign:
    return offering_campaign(buyers=BUYERS, price_cents=PRICE_CENTS)


def play_round(campaign: Campaign, crowd: Claimants, *, seed: int) -> Round:
    offer = open_offer_of(campaign, at=read_clock())
    buyers = buyers_of(campaign) * 2
    Random(seed).shuffle(buyers)
    answers = crowd.claim_at_once(offer.public_id, buyers)
    results = Counter(each.result for each in answers)
    broken = [*find_broken(results), *compare(offer.public_id)]
    return Round(broken, max(each.duration_ms for each in answers))


def find_broken(results: Counter[str]) -> Iterator[str]:
    if results != Counter(won=1, had=1, taken=AT_ONCE - 2):
        yield f"answered {dict(results)}"


def compare(offer: UUID) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND, [offer])
        found = cursor.fetchone()
    if found != EXPECTED:
        yield f"sales, charges, claims, losers, attempts are {found} and not {EXPECTED}"
