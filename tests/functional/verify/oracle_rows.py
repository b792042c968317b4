"""All rows that the oracle of verify reads, by simple statements."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from django.db import connection

Row = SimpleNamespace
COLUMNS: Final = {
    "distribution_wallet": "id buyer_id balance_cents held_cents credit_limit_cents charged_back_cents",
    "distribution_buyer": "id",
    "distribution_ledgerentry": (
        "id wallet_id kind amount_cents balance_after_cents idempotency_key assignment_id released_cents"
    ),
    "distribution_assignment": "id lead_id buyer_id campaign_id attempt_id state price_cents settled_at is_test",
    "distribution_campaign": "id max_buyers",
    "distribution_campaignsnapshot": "campaign_id config_version config",
    "distribution_verification": "id lead_id ended_at",
    "routing_lead": "id status next_attempt_at locked_at locked_by attempts is_partly_sold",
    "tracing_attempt": "id lead_id number result skip_reason campaign_id config_version",
    "tracing_leaddistributionevent": "attempt_id lead_id seq event buyer_id cost_cents skip_reason outcome",
}


class Rows:
    """All rows of the tables that the checks read, as they are now, in the order of their ids."""

    def __init__(self) -> None:
        self.wallets = read("distribution_wallet")
        self.buyers = read("distribution_buyer")
        self.entries = read("distribution_ledgerentry")
        self.assignments = read("distribution_assignment")
        self.campaigns = read("distribution_campaign")
        self.definitions = {
            (row.campaign_id, row.config_version): json.loads(row.config)
            for row in read("distribution_campaignsnapshot")
        }
        self.leads = read("routing_lead")
        self.unverified = {row.lead_id for row in read("distribution_verification") if row.ended_at is None}
        self.attempts = read("tracing_attempt")
        self.events = read("tracing_leaddistributionevent")
        self.attempt_of = {attempt.id: attempt for attempt in self.attempts}
        self.buyer_of_wallet = {wallet.id: wallet.buyer_id for wallet in self.wallets}


def read(table: str) -> list[Row]:
    names = COLUMNS[table].split()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY id")
        return [Row(**dict(zip(names, values, strict=True))) for values in cursor.fetchall()]


def group(rows: Iterable[Row], *names: str) -> Mapping[Any, list[Row]]:
    """Rows by the value of a column, or by the values of several."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        key = tuple(getattr(row, name) for name in names)
        groups[key if len(names) > 1 else key[0]].append(row)
    return groups
