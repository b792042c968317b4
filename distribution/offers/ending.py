"""What a claim leaves behind: the buyer's place, the offer, the lead, the trace and, after the commit, the log line."""

from functools import partial
from typing import Any, Final

from django.db import connection

from distribution import metrics
from distribution.attempts.chain import read_sold
from distribution.attempts.record import AttemptRecord
from distribution.attempts.reporting import count_sales, make_line
from distribution.models import MAX_CLAIMED_BY_LENGTH, OfferEnd
from distribution.offers.places import OfferPlace
from distribution.offers.refusals import MILLISECOND
from routing.dispatch.enqueue import after_commit
from routing.leads.attempt_log import log_attempt
from routing.leads.decision_metrics import NO_WAIT
from routing.leads.finish import close_claim
from routing.retry import NextStep
from tracing.models import AttemptResult
from tracing.vocabulary import Event

CLAIMED: Final = """
WITH sale AS (
    SELECT id FROM distribution_assignment WHERE public_id = %(assignment)s
), place AS (
    UPDATE distribution_offerbuyer b
    SET claimed_at = %(at)s, claimed_by = %(actor)s, assignment_id = sale.id, lost_at = NULL, late_ms = NULL,
        lost_reason = '', lost_gates = '[]'
    FROM sale WHERE b.id = %(place)s
)
UPDATE distribution_offer
SET claims = claims + 1,
    state = CASE WHEN claims + 1 >= max_buyers THEN 'closed' ELSE state END,
    closed_at = CASE WHEN claims + 1 >= max_buyers THEN %(at)s END,
    end_reason = CASE WHEN claims + 1 >= max_buyers THEN 'claimed' ELSE end_reason END
WHERE id = %(offer)s AND state = 'open'
RETURNING claims, state = 'open'
"""


def conclude_claim(record: AttemptRecord, place: OfferPlace, *, buyers: int, actor: str) -> None:
    """Write a claim that was charged. Needs the locks of the claim.

    `buyers`: how many have the lead now. `actor`: the key or the person that claimed.
    """
    [assignment_id] = record.assignments
    claims, has_room = _write_claim(place, record, actor=actor)
    after_ms = max(0, (record.at - place.visible_at) // MILLISECOND)
    data = {"offer": str(place.public_id), **record.mark_test()}
    record.write_decision()
    record.trace.add(
        Event.PING_POST_CLAIMED,
        buyer_id=place.buyer_id,
        cost_cents=record.price_cents,
        data={**data, "assignment": str(assignment_id), "after_ms": after_ms},
    )
    if not has_room:
        closed = {**data, "reason": OfferEnd.CLAIMED.value, "claims": claims}
        record.trace.add(Event.PING_POST_CLOSED, data=closed)
    _close(record, buyers=buyers, has_room=has_room)
    after_commit(partial(_report, record))


def _write_claim(place: OfferPlace, record: AttemptRecord, *, actor: str) -> tuple[int, bool]:
    parameters: dict[str, Any] = {
        "assignment": record.assignments[0],
        "at": record.at,
        "actor": actor[:MAX_CLAIMED_BY_LENGTH],
        "place": place.id,
        "offer": place.offer_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIMED, parameters)
        claims, has_room = cursor.fetchone()
    return claims, has_room


def _close(record: AttemptRecord, *, buyers: int, has_room: bool) -> None:
    lead = record.lead
    record.step = NextStep(AttemptResult.SUCCESS, lead.next_attempt_at if has_room else None)
    cents = record.price_cents if buyers == 1 else read_sold(lead.id)[1]
    data = {"buyers": buyers, **record.mark_test()}
    record.trace.add(Event.DISTRIBUTED, cost_cents=cents, outcome=record.step.result, data=data)
    close_claim(lead.id, attempts=record.trace.head.number, has_room=has_room, at=record.at)
    record.write_trace()


def _report(record: AttemptRecord) -> None:
    line = make_line(record, None, NO_WAIT, is_decision=False)
    log_attempt(line, cause="", buyers=len(record.assignments), charged_cents=record.charged_cents)
    count_sales(record)
    if not record.lead.is_test:
        metrics.CLAIMS.labels(result="claimed").inc()
