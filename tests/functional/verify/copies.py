"""Copies one sold lead as often as a test needs, with its attempt, events, sales and ledger entries."""

import json
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Sum

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, LedgerEntry
from routing.calendar.windows import WINDOW_KINDS
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.planting import plant
from tests.support.returning import return_assignment
from tracing.models import Attempt

CREDITS_CENTS: Final = 1_000_000_000
PRICE_CENTS: Final = 2_500
# Parents first. A copy's number is `n`, and the ids of copies ascend with it.
TABLES: Final = {
    "routing_lead": ("id = {lead}", "'id', t.id + n, 'public_id', gen_random_uuid()"),
    "tracing_attempt": ("lead_id = {lead}", "'id', {copied}, 'lead_id', t.lead_id + n"),
    "tracing_leaddistributionevent": (
        "lead_id = {lead}",
        "'id', t.id + n * 100, 'lead_id', t.lead_id + n, 'attempt_id', {copied}",
    ),
    "distribution_assignment": (
        "lead_id = {lead}",
        "'id', t.id + n * 100, 'public_id', gen_random_uuid(), 'lead_id', t.lead_id + n, 'attempt_id', {copied}",
    ),
    "distribution_ledgerentry": (
        "assignment_id = ANY(ARRAY{assignments})",
        "'id', t.id + n * 100, 'public_id', gen_random_uuid(), 'assignment_id', t.assignment_id + n * 100,"
        " 'idempotency_key', t.idempotency_key || ' ' || n, 'balance_after_cents', t.balance_after_cents"
        " + n * ('{moved}'::jsonb ->> t.wallet_id::text)::bigint",
    ),
}
# Attempt ids contain the time: a copy's is its number of milliseconds later.
COPIED_ATTEMPT: Final = "(lpad(to_hex({milliseconds} + n), 12, '0') || '{rest}')::uuid"
BALANCES: Final = """
UPDATE distribution_wallet w SET balance_cents = e.balance_after_cents FROM (
    SELECT DISTINCT ON (wallet_id) wallet_id, balance_after_cents FROM distribution_ledgerentry
    ORDER BY wallet_id, id DESC
) e WHERE e.wallet_id = w.id
"""
COUNTERS: Final = """
UPDATE distribution_enrollment e SET {} FROM (
    SELECT enrollment_id, count(*) AS leads, SUM(price_cents) AS spent_cents
    FROM distribution_assignment WHERE is_counted GROUP BY enrollment_id
) d WHERE d.enrollment_id = e.id
""".format(
    ", ".join(f"{kind}_{what} = d.{what}" for kind in WINDOW_KINDS for what in ("leads", "spent_cents"))
)


@dataclass(frozen=True, slots=True)
class Original:
    """A lead that was sold to two buyers and returned by one of them."""

    lead: int
    attempt: Attempt
    assignments: list[int]
    moved: dict[int, int]  # wallet -> cents


def sell_original() -> Original:
    campaign = CampaignFactory(max_buyers=2, price_cents=PRICE_CENTS)
    enroll(campaign, count=3, credits_cents=CREDITS_CENTS)
    lead = LeadFactory(
        source=SourceFactory(workspace=campaign.workspace), city="Jackson", first_name="Jackson"
    )
    assert distribute_lead(lead.pk).result == "success"
    sales = Assignment.objects.filter(lead=lead)
    return_assignment(sales.earliest("id").public_id, actor="test", reason="wrong number")
    entries = LedgerEntry.objects.filter(assignment__lead=lead)
    moved = entries.values_list("wallet_id").annotate(Sum("amount_cents"))
    return Original(
        lead.pk, Attempt.objects.get(lead_id=lead.pk), list(sales.values_list("pk", flat=True)), dict(moved)
    )


def copy(original: Original, *, first: int, last: int) -> None:
    """Insert the copies numbered `first` to `last`, all with the original's times."""
    number = original.attempt.pk.hex
    names = {
        "lead": original.lead,
        "assignments": original.assignments,
        "moved": json.dumps(original.moved),
        "copied": COPIED_ATTEMPT.format(milliseconds=int(number[:12], 16), rest=number[12:]),
    }
    for table, (condition, changes) in TABLES.items():
        plant(
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
            f" SELECT r.* FROM {table} t, generate_series({first}, {last}) AS n,"
            f" jsonb_populate_record(t, jsonb_build_object({changes.format(**names)})) AS r"
            f" WHERE t.{condition.format(**names)} ORDER BY n, t.id"
        )
    plant(BALANCES)
    plant(COUNTERS)
    with connection.cursor() as cursor:
        for table in TABLES.keys() - {"tracing_attempt"}:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))"
            )
