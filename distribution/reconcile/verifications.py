"""Finds verifications and leads that do not fit each other, and leads whose campaign no longer asks for one.

gated without an open verification            the lead is due: its next attempt decides
open verification of a lead that moved on     closed
being called without a call that is out       as after that call, or called again
gated, but its verification is being called   waits for a call again
campaign that is off or no longer asks        the lead is due, also if an operator should decide
promise with which the lead ends is over      the lead is due: its next attempt ends it

Attempts, calls and triggers keep them together. What is found here came from a restored backup or from SQL by hand, or,
as to campaigns, changed while the lead was in progress.
"""

from typing import Final

from django.db import connection, transaction

from distribution.calls.claims import end_claim, let_go
from distribution.calls.promises import LAST_PROMISE
from distribution.calls.settling import Lines
from distribution.models import Verification, VerificationState
from routing.leads.abandoned import log_attempts
from routing.locks.attempts import wait_for_lead
from routing.locks.leads_to_end import LeadToEnd, lock_unverified_lead
from routing.models import LeadStatus
from routing.queries import read_clock
from tracing.reconciling import Counts, in_batches, name_rows

LEADS_PER_BATCH: Final = 100
VERIFICATIONS_PER_PAGE: Final = 5_000
# Places of a run: leads, again after a full batch of them; then the open verifications of all leads from 0 on.
LEADS: Final = -1
ALL: Final = 0

_IS_OUT: Final = """EXISTS (
    SELECT FROM distribution_call c
    WHERE c.lead_id = l.id AND c.ended_at IS NULL AND l.locked_by = 'call:' || c.public_id
)"""
_NOT_ASKED: Final = """(
    NOT k.active OR k.verification = 'none' OR (k.verification = 'unless_consent' AND l.consent ? k.consent_kind)
)"""
_PROMISE_IS_OVER: Final = f"COALESCE(({LAST_PROMISE}) <= statement_timestamp(), FALSE)"
# Read from indexes of what is unfinished alone.
UNFIT_LEADS: Final = f"""
SELECT l.id FROM routing_lead l
WHERE l.status = 'gated'
    AND NOT EXISTS (SELECT FROM distribution_verification v WHERE v.lead_id = l.id AND v.ended_at IS NULL)
UNION
SELECT l.id FROM routing_lead l
WHERE l.status = 'calling' AND l.locked_by LIKE 'call:%%' AND NOT {_IS_OUT}
ORDER BY 1 LIMIT %(count)s
"""  # noqa: S608 - only conditions are put in
# Some of the open verifications, by lead: with 100,000 that wait, one statement for all would run for a second.
UNFIT_VERIFICATIONS: Final = f"""
WITH page AS MATERIALIZED (
    SELECT lead_id, campaign_id, state FROM distribution_verification
    WHERE ended_at IS NULL AND lead_id > %(after)s ORDER BY lead_id LIMIT %(page)s
)
SELECT max(l.id), count(*), COALESCE(array_agg(l.id ORDER BY l.id) FILTER (
    WHERE l.status NOT IN ('gated', 'calling') OR (l.status = 'gated' AND (
        p.state = 'calling' OR {_NOT_ASKED} OR {_PROMISE_IS_OVER}
    ))
), '{{}}')
FROM page p JOIN routing_lead l ON l.id = p.lead_id JOIN distribution_campaign k ON k.id = p.campaign_id
"""  # noqa: S608 - only conditions are put in
COUNT: Final = "SELECT count(*) FROM distribution_verification WHERE ended_at IS NULL"
IS_ASKED: Final = f"""
SELECT NOT ({_NOT_ASKED} OR {_PROMISE_IS_OVER})
FROM distribution_campaign k, routing_lead l WHERE k.id = %s AND l.id = %s
"""  # noqa: S608 - only a condition is put in
CLOSE: Final = """
UPDATE distribution_verification v SET state = 'closed', due_at = NULL, ended_at = clock_timestamp()
FROM routing_lead l
WHERE v.lead_id = %s AND v.ended_at IS NULL AND l.id = v.lead_id AND l.status NOT IN ('gated', 'calling')
"""


def run(*, fix: bool, limit: int) -> Counts:
    def step(after: int | None, count: int) -> tuple[Counts, int | None]:
        if after is None or after == LEADS:
            following: int | None = ALL
            found = _find_leads(count)
        else:
            found, following = _find_verifications(after, count)
        repaired = [lead_id for lead_id in found if fix and _repair(lead_id)]
        if following == ALL and repaired and len(found) == count:
            following = LEADS
        return Counts(
            len(found), len(repaired), len(found) - len(repaired), name_rows("lead", found)
        ), following

    read = _count()  # before any is repaired
    counts = in_batches(step, limit=limit, size=LEADS_PER_BATCH)
    return Counts(read, counts.repaired, counts.skipped, counts.named)


def _count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        [number] = cursor.fetchone()
    return int(number)


def _find_leads(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(UNFIT_LEADS, {"count": count})
        return [lead_id for (lead_id,) in cursor.fetchall()]


def _find_verifications(after: int, count: int) -> tuple[list[int], int | None]:
    """At most `count` leads, and where the next page begins. None: there is none."""
    with connection.cursor() as cursor:
        cursor.execute(UNFIT_VERIFICATIONS, {"after": after, "page": VERIFICATIONS_PER_PAGE})
        last, read, found = cursor.fetchone()
    if len(found) > count:
        return found[:count], found[count - 1]
    return found, last if read == VERIFICATIONS_PER_PAGE else None


def _repair(lead_id: int) -> bool:
    """Returns whether anything was changed: what was found may have ended by itself since."""
    with transaction.atomic():
        wait_for_lead(lead_id)
        lead = lock_unverified_lead(lead_id)
        changed, lines = (_close(lead_id), ()) if lead is None else _fit(lead)
    log_attempts(lines)
    return changed


def _close(lead_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [lead_id])
        return bool(cursor.rowcount)


def _fit(lead: LeadToEnd) -> tuple[bool, Lines]:
    at = read_clock()
    if lead.status == LeadStatus.CALLING:
        lines = end_claim(lead, at=at)
        return lines is not None, lines or ()
    verification = Verification.objects.filter(lead_id=lead.id, ended_at__isnull=True).first()
    if verification is None or not _is_asked(verification, lead):
        let_go(lead, at=at)
        return True, ()
    waiting = Verification.objects.filter(pk=verification.pk, state=VerificationState.CALLING)
    return bool(waiting.update(state=VerificationState.WAITING, due_at=at)), ()


def _is_asked(verification: Verification, lead: LeadToEnd) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(IS_ASKED, [verification.campaign_id, lead.id])
        [is_asked] = cursor.fetchone()
    return bool(is_asked)
