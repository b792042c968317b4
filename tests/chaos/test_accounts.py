"""Each check of the account finds its kind of damage: the test changes rows past every constraint and rolls back."""

from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from distribution.attempts.distribute import distribute_lead
from tests.chaos.accounts import CHECKS, examine
from tests.chaos.findings import Findings
from tests.chaos.world import build_world
from tests.support.factories import LeadFactory

if TYPE_CHECKING:
    from routing.models import Lead

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = 4
FIRST_SOLD = "(SELECT min(lead_id) FROM distribution_assignment)"
ATTEMPT = (
    "id, lead_id, number, trigger, source_workspace_id, result, skip_reason, transient, started_at, finished_at,"
    " duration_ms, worker, facts"
)
COPY_ASSIGNMENT = f"""
INSERT INTO distribution_assignment
    (public_id, lead_id, buyer_id, campaign_id, attempt_id, price_cents, counted_on, state, created_at, returned_at)
SELECT gen_random_uuid(), lead_id, {{buyer}}, campaign_id, attempt_id, price_cents, counted_on, {{state}}
FROM distribution_assignment WHERE lead_id = {FIRST_SOLD}
"""
COPY_ATTEMPT = f"""
INSERT INTO tracing_attempt ({ATTEMPT})
SELECT gen_random_uuid(), lead_id, 2, trigger, source_workspace_id, result, skip_reason, transient,
    started_at {{shift}} interval '1 second', finished_at + interval '1 second', duration_ms, worker, facts
FROM tracing_attempt WHERE lead_id = {FIRST_SOLD}
"""
TAMPER = {
    "leads stored twice": "UPDATE routing_lead SET attributes = '{\"number\": 0}'",
    "leads that were not sent": f"UPDATE routing_lead SET attributes = '{{}}' WHERE id = {FIRST_SOLD}",
    "leads sold more often than their campaign allows": COPY_ASSIGNMENT.format(
        buyer="(SELECT max(id) FROM distribution_buyer)", state="'sold', created_at, NULL"
    ),
    "leads sold twice to one buyer": COPY_ASSIGNMENT.format(
        buyer="buyer_id", state="'returned', created_at, now()"
    ),
    "people sold twice": "UPDATE routing_lead SET attributes = '{\"number\": 0}'",
    "leads whose status is not what was sold of them": "UPDATE routing_lead SET status = 'failed'",
    "assignments that were not charged once, at their price, to their buyer": (
        "UPDATE distribution_ledgerentry SET amount_cents = -99 WHERE kind = 'charge'"
    ),
    "is a charge without an assignment": """
        ALTER TABLE distribution_ledgerentry DROP CONSTRAINT ledger_sign_fits_kind;
        UPDATE distribution_ledgerentry SET assignment_id = NULL WHERE kind = 'charge'
    """,
    "wallets that differ from their entries, or are overdrawn": "UPDATE distribution_wallet SET balance_cents = 7",
    "caps that were exceeded": "UPDATE distribution_enrollment SET cap_day = 0",
    "leads sold outside a buyer's hours": """
        UPDATE distribution_campaign SET name = 'open' WHERE name = 'closed';
        UPDATE distribution_campaign SET name = 'closed' WHERE name = 'plain'
    """,
    "leads with attempts missing from the trace": "UPDATE routing_lead SET attempts = attempts + 1",
    "leads that are not as their last attempt says": "UPDATE tracing_attempt SET result = 'unsold'",
    "attempts after the one that sold": COPY_ATTEMPT.format(shift="+"),
    "attempts of one lead that overlap": COPY_ATTEMPT.format(shift="-"),
    "attempts whose trace is not what they sold": (
        "DELETE FROM tracing_leaddistributionevent WHERE event = 'buyer_selected'"
    ),
    "assignments without an attempt": "DELETE FROM tracing_attempt",
    "attempts on which the product failed": "UPDATE tracing_attempt SET skip_reason = 'internal_error'",
}


@pytest.fixture(autouse=True)
def _sold(committed_db: None) -> None:  # noqa: ARG001
    """Leads that were sold correctly."""
    world = build_world(leads=LEADS)
    for number in range(LEADS):
        lead: Lead = LeadFactory(source=world.senders[0].source, attributes={"number": number})
        assert distribute_lead(lead.pk).result == "success"


def find(numbers: range) -> set[str]:
    findings = Findings()
    examine(findings, numbers=numbers)
    return {each.check for each in findings}


def test_correct_definition_has_no_finding() -> None:
    assert find(range(LEADS)) == set()


def test_lost_lead_is_found() -> None:
    assert find(range(LEADS + 1)) == {"leads lost"}


def test_each_check_finds_its_kind_of_damage() -> None:
    assert set(TAMPER) == set(CHECKS)
    assert [check for check in CHECKS if check not in find_tampered(TAMPER[check])] == []


def find_tampered(sql: str) -> set[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # neither triggers nor foreign keys
        for statement in sql.split(";"):
            cursor.execute(statement)
        found = find(range(LEADS))
        transaction.set_rollback(True)
    return found
