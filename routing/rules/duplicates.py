"""Finds the lead of the same person that makes another a duplicate. Reads only; the caller holds the identity's locks.

A lead is a duplicate of a sold lead, whichever came in first, and of an older lead (by received_at, then id) that is
still open. So the oldest of several waiting copies is tried, and a copy tried after the sale of another is a duplicate.
Leads that ended without a sale (failed, expired, canceled or duplicate) and returned leads do not make other leads
duplicates. But duplicate and returned leads still link their email and phone to one person, and such links chain
through any number of leads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from routing.locks.attempts import LockedLead
from routing.models import UNFINISHED, LeadStatus
from routing.models.lead import LINKING

RESEND_SECONDS: Final = 60
_COUNTING: Final = ", ".join(f"'{status.value}'" for status in (LeadStatus.DISTRIBUTED, *UNFINISHED))
_LINKING: Final = ", ".join(f"'{status.value}'" for status in LINKING)
# Links beyond this number are not followed.
MAX_LINKS: Final = 60
_RESEND: Final = f"interval '{RESEND_SECONDS} seconds'"

# All leads within the look-back or the resend window, whichever is longer.
_SAME_PERSON: Final = f"""
        SELECT id, public_id, workspace_id, source_id, vertical, status, received_at FROM routing_lead
        WHERE {{column}} = ANY(ARRAY(SELECT hash FROM identity WHERE {{is_email}})) AND status IN ({_COUNTING})
            AND received_at >= %(received_at)s - GREATEST(make_interval(days => w.duplicate_days), {_RESEND})
"""  # noqa: S608 - only constants are put in

# Evaluated only if there is a lead of the same person: PostgreSQL runs the sub-select on first use.
_NETWORK: Final = """
    WITH RECURSIVE network(id) AS (
        SELECT %(workspace_id)s::bigint
        UNION
        SELECT CASE WHEN r.workspace_id = n.id THEN r.destination_id ELSE r.workspace_id END
        FROM network n JOIN routing_rule r ON r.active AND (r.workspace_id = n.id OR r.destination_id = n.id)
    )
    SELECT id FROM network
"""

# Each step goes from an email to the next phone after `seen` that a lead links to it, or from a phone to an email.
# It is one index probe, even if many leads link the same two.
_PERSON: Final = f"""
WITH RECURSIVE person(is_email, hash, seen) AS (
    SELECT * FROM (VALUES (true, %(email_hash)s::text, ''), (false, %(phone_hash)s::text, '')) own(is_email, hash, seen)
    WHERE hash IS NOT NULL
    UNION
    SELECT step.* FROM person p
    CROSS JOIN LATERAL (
        (SELECT d.phone_hash AS hash FROM routing_lead d
        WHERE p.is_email AND d.email_hash = p.hash AND d.phone_hash > p.seen AND d.status IN ({_LINKING})
        ORDER BY d.phone_hash LIMIT 1)
        UNION ALL
        (SELECT d.email_hash FROM routing_lead d
        WHERE NOT p.is_email AND d.phone_hash = p.hash AND d.email_hash > p.seen AND d.status IN ({_LINKING})
        ORDER BY d.email_hash LIMIT 1)
    ) other
    CROSS JOIN LATERAL (VALUES (p.is_email, p.hash, other.hash), (NOT p.is_email, other.hash, '')) step
), identity AS MATERIALIZED (
    SELECT DISTINCT is_email, hash FROM (SELECT is_email, hash FROM person LIMIT {MAX_LINKS}) bounded
)
"""  # noqa: S608 - only constants are put in

READ_ARRIVAL: Final = f"""{_PERSON}
SELECT ARRAY(
        SELECT p.id FROM routing_workspace p WHERE p.id = ANY(%(path)s::bigint[]) AND p.paused_at IS NOT NULL
    ), w.hours::text, w.timezone, first.id, first.public_id, first.workspace_id, first.kind
FROM routing_workspace w
LEFT JOIN LATERAL (
    SELECT o.id, o.public_id, o.workspace_id, CASE
        WHEN o.source_id = %(source_id)s AND o.received_at >= %(received_at)s - {_RESEND} THEN 'resend'
        WHEN o.workspace_id = w.id THEN 'workspace' ELSE 'partner' END AS kind
    FROM ({_SAME_PERSON.format(column="email_hash", is_email="is_email")}        UNION{
    _SAME_PERSON.format(column="phone_hash", is_email="NOT is_email")
}    ) o
    WHERE o.id <> %(id)s AND (o.status = 'distributed' OR (o.received_at, o.id) < (%(received_at)s, %(id)s))
        AND (
            (o.source_id = %(source_id)s AND o.received_at >= %(received_at)s - {_RESEND}
                AND o.received_at <= %(received_at)s + {_RESEND})
            OR (o.received_at >= %(received_at)s - make_interval(days => w.duplicate_days)
                AND (o.vertical = %(vertical)s OR NOT w.duplicate_same_vertical)
                AND CASE w.duplicate_scope
                    WHEN 'everywhere' THEN true
                    WHEN 'partners' THEN o.workspace_id IN ({_NETWORK})
                    WHEN 'workspace' THEN o.workspace_id = w.id
                    ELSE false END)
        )
    ORDER BY o.received_at, o.id
    LIMIT 1
) first ON true
WHERE w.id = %(workspace_id)s
"""  # noqa: S608 - only constants are put in


@dataclass(frozen=True, slots=True)
class FirstLead:
    """The earliest lead of the same person. `kind` is resend, workspace or partner."""

    id: int
    public_id: UUID
    workspace_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """The state of the workspace where a lead would be sold. `paused` are the paused workspaces on its path."""

    paused: frozenset[int]
    hours: str | None
    timezone: str
    first: FirstLead | None


def read_arrival(lead: LockedLead, *, workspace_id: int, path: Sequence[int]) -> Arrival:
    """Read the first lead of the same person, and which workspaces of `path` are paused.

    Reliable only in a statement after lock_identity: without the lock, another copy may be sold at the same time.
    """
    parameters: dict[str, Any] = {
        "id": lead.id,
        "received_at": lead.received_at,
        "email_hash": lead.email_hash,
        "phone_hash": lead.phone_hash,
        "source_id": lead.source_id,
        "vertical": lead.vertical,
        "workspace_id": workspace_id,
        "path": list(path),
    }
    with connection.cursor() as cursor:
        cursor.execute(READ_ARRIVAL, parameters)
        paused, hours, timezone, first_id, *first = cursor.fetchone()
    found = None if first_id is None else FirstLead(first_id, *first)
    return Arrival(frozenset(paused), hours, timezone, found)
