"""The lower bound of a claim: the same locks and rows in hand-written psycopg, and nothing else."""

from typing import Final
from uuid import UUID

from uuid6 import uuid7

from tests.bench.dataset import PRICE_CENTS
from tests.bench.loops.by_hand import ASSIGN, CHARGE, COUNT, ENTER, ByHand

PLACE: Final = """
SELECT b.id, o.id, o.lead_id, b.enrollment_id
FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id
WHERE o.public_id = %s AND b.buyer_id = %s
"""
LEAD: Final = """
SELECT workspace_id, source_workspace_id, attempts, zip, attributes, now() FROM routing_lead
WHERE id = %s AND status = 'offered' AND next_attempt_at > now() FOR NO KEY UPDATE
"""
LOCK_PLACE: Final = """
SELECT o.claims, o.max_buyers, b.price_cents
FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id
WHERE b.id = %s FOR NO KEY UPDATE OF o, b
"""
LOCK_BUYER: Final = """
SELECT w.id, w.balance_cents, e.day_leads, e.month_spent_cents
FROM distribution_enrollment e JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
WHERE e.id = %s FOR NO KEY UPDATE OF w, e
"""
CLAIM_PLACE: Final = "UPDATE distribution_offerbuyer SET claimed_at = %s, assignment_id = %s WHERE id = %s"
CLOSE_OFFER: Final = """
UPDATE distribution_offer SET claims = claims + 1, state = 'closed', closed_at = %s, end_reason = 'claimed'
WHERE id = %s AND state = 'open'
"""
CLOSE: Final = """
UPDATE routing_lead SET status = 'distributed', skip_reason = '', attempts = attempts + 1, next_attempt_at = NULL,
    due_reason = '', finished_at = %s
WHERE id = %s AND status = 'offered'
"""


class NotClaimed(RuntimeError):
    """The offer was not open, so the times of the others mean nothing."""


class ClaimByHand(ByHand):
    def claim(self, offer_id: UUID, *, buyer_id: int) -> None:
        found = self._connection.execute(PLACE, [offer_id, buyer_id]).fetchone()
        if found is None:
            raise NotClaimed(str(offer_id))
        place_id, offer_pk, lead_id, enrollment_id = found
        with self._connection.transaction(), self._connection.cursor() as cursor:
            lead = cursor.execute(LEAD, [lead_id]).fetchone()
            if lead is None:
                raise NotClaimed(str(offer_id))
            cursor.execute(LOCK_PLACE, [place_id]).fetchone()
            buyer = cursor.execute(LOCK_BUYER, [enrollment_id]).fetchone()
            attempt_id, public_id = UUID(int=uuid7().int), UUID(int=uuid7().int)
            balance = cursor.execute(CHARGE, {"price": PRICE_CENTS, "buyer": buyer_id}).fetchone()
            assignment = [public_id, lead_id, buyer_id, self._template.campaign_id, enrollment_id]
            assigned = cursor.execute(ASSIGN, [*assignment, attempt_id, PRICE_CENTS, lead[5]]).fetchone()
            if assigned is None or balance is None or buyer is None:
                raise NotClaimed(str(offer_id))
            entry = [buyer[0], -PRICE_CENTS, balance[0], f"charge:{public_id}", assigned[0]]
            cursor.execute(ENTER, entry)
            cursor.execute(COUNT, {"price": PRICE_CENTS, "enrollment": enrollment_id})
            cursor.execute(CLAIM_PLACE, [lead[5], assigned[0], place_id])
            cursor.execute(CLOSE_OFFER, [lead[5], offer_pk])
            self._trace(cursor, lead_id=lead_id, lead=lead, attempt_id=attempt_id)
            cursor.execute(CLOSE, [lead[5], lead_id])
