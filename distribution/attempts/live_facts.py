"""Gathers what the engine decides on: the lead's fields and the live counters and balances of the enrolled buyers."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import connection
from psycopg.pq import Format

from distribution.attempts.opt_outs import read_verification
from distribution.counters import COUNTERS, read_usage
from distribution.engine import CompiledCampaign, LeadFacts, LiveFacts
from distribution.sql_arrays import array_literal
from routing.intake.condition_fields import condition_fields
from routing.locks.attempts import LockedLead
from routing.places.countries import is_home
from routing.places.zips import find_place
from routing.values.contact import hide_contact

# This includes a buyer that returned the lead: it does not get the lead twice. One whose system rejected the lead never
# had it; the reasons of all such buyers are read once.
_LIVE: Final = f"""
SELECT e.id, w.balance_cents, w.held_cents, w.credit_limit_cents, e.last_assigned_at, e.virtual_finish,
    e.buyer_id = ANY(ARRAY(
        SELECT b.buyer_id FROM distribution_assignment b WHERE b.lead_id = %s AND b.state <> 'rejected'
    )),
    (SELECT jsonb_object_agg(r.buyer_id, r.reject_reason) FROM distribution_assignment r
     WHERE r.lead_id = %s AND r.state = 'rejected') ->> e.buyer_id::text,
    {COUNTERS},
    (SELECT count(*) FROM distribution_assignment sold WHERE sold.lead_id = %s AND sold.state IN ('sold', 'held'))
FROM distribution_enrollment e
JOIN distribution_wallet w ON w.buyer_id = e.buyer_id
"""  # noqa: S608 - only a constant column list is put in

OF_CAMPAIGN: Final = f"{_LIVE} WHERE e.campaign_id = %s AND e.archived_at IS NULL"
# The sub-select hides the list's length from the planner, which would otherwise plan again for every lead.
OF_ENROLLMENTS: Final = f"{_LIVE} WHERE e.id = ANY((SELECT %s::bigint[])::bigint[]) AND e.archived_at IS NULL"


def read_live(*, lead_id: int, campaign: CompiledCampaign) -> tuple[dict[int, LiveFacts], int]:
    """Return the live facts of the compiled version's enrollments, and how many buyers the lead is sold to."""
    rows = _read(OF_CAMPAIGN, [lead_id, lead_id, lead_id, campaign.id])
    nothing = dict.fromkeys(campaign.by_enrollment_id, LiveFacts())
    sold_count = rows[0][-1] if rows else 0  # the same in every row
    return nothing | _by_enrollment(rows, campaign), sold_count


def confirm_live(
    enrollment_ids: Sequence[int], *, lead_id: int, campaign: CompiledCampaign
) -> dict[int, LiveFacts]:
    """Read the facts of these enrollments again. They are final only if an earlier statement locked them."""
    return _by_enrollment(
        _read(OF_ENROLLMENTS, [lead_id, lead_id, lead_id, array_literal(enrollment_ids)]), campaign
    )


def read_claimant(
    enrollment_id: int, *, lead_id: int, campaign: CompiledCampaign
) -> tuple[LiveFacts, int] | None:
    """Return the live facts of one enrollment, and how many buyers have the lead. They are final if it was locked.

    None: it was archived. That happens to a test lead, whose buyer is not locked.
    """
    rows = _read(OF_ENROLLMENTS, [lead_id, lead_id, lead_id, array_literal([enrollment_id])])
    return (_by_enrollment(rows, campaign)[enrollment_id], rows[0][-1]) if rows else None


def _read(sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
    with connection.cursor() as cursor:
        # In text format the driver parses four timestamps of each enrollment with a regular expression.
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, parameters)
        rows: Sequence[Sequence[Any]] = cursor.fetchall()
    return rows


def _by_enrollment(rows: Sequence[Sequence[Any]], campaign: CompiledCampaign) -> dict[int, LiveFacts]:
    """Only enrollments of the compiled version: the table may have changed since."""
    known = campaign.by_enrollment_id
    facts = {}
    for row in rows:
        enrollment_id, balance, held, credit_limit, assigned_at, finish, has_lead, rejection, *counters, _ = (
            row
        )
        if enrollment_id in known:
            facts[enrollment_id] = LiveFacts(
                balance_cents=balance,
                held_cents=held,
                credit_limit_cents=credit_limit,
                usage=read_usage(counters, timezone=known[enrollment_id].timezone),
                last_assigned_at=assigned_at,
                virtual_finish=finish,
                has_lead=has_lead,
                rejection=rejection,
            )
    return facts


def lead_facts(lead: LockedLead, *, campaign: CompiledCampaign, sold_count: int) -> LeadFacts:
    """Return the fields of the lead that this campaign reads, and the location of its ZIP code. No personal data.

    Personal data among the attributes is hidden before the decision, so a replay sees the same values.
    """
    fields = {
        name: hide_contact(name, value, lead.contact)
        for name, value in condition_fields(lead, source=lead.source).items()
        if name in campaign.fields
    }
    is_known = is_home(lead.country, zip_code=lead.zip, state=lead.state)
    place = find_place(lead.zip) if is_known else None
    return LeadFacts(
        fields=fields,
        latitude=place.latitude if place else None,
        longitude=place.longitude if place else None,
        sold_count=sold_count,
        **_verification_facts(lead, campaign),
    )


def _verification_facts(lead: LockedLead, campaign: CompiledCampaign) -> dict[str, Any]:
    """Nobody calls the person behind a test lead, or behind one that a buyer has or its system was asked for."""
    if campaign.verification.needed == "none":
        return {}
    is_begun = lead.is_partly_sold or lead.posting_since is not None
    how = read_verification(lead) or ("test" if lead.is_test else "begun" if is_begun else "")
    return {"verification": how, "consents": tuple(lead.consents)}
