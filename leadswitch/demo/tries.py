"""What became of the leads of direct_post.py: each request to a buyer, its answer, and the money."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.db import connection

from leadswitch.demo.direct_post import DirectPost

TRIES: Final = """
SELECT b.name, d.message_id::text, t.number, t.outcome, COALESCE(t.status_code::text, ''), t.error,
    CASE WHEN t.number = d.tries THEN d.end_reason ELSE '' END,
    CASE WHEN t.number = d.tries THEN a.state ELSE 'held' END,
    COALESCE((
        SELECT string_agg(e.kind || ' ' || to_char(abs(e.amount_cents) / 100.0, 'FM$990.00'), ', ' ORDER BY e.id)
        FROM distribution_ledgerentry e WHERE e.assignment_id = a.id AND t.number = d.tries
    ), '')
FROM distribution_delivery d
JOIN distribution_deliverytry t ON t.delivery_id = d.id
JOIN distribution_assignment a ON a.id = d.assignment_id
JOIN distribution_buyer b ON b.id = a.buyer_id
JOIN routing_lead l ON l.id = d.lead_id
WHERE l.public_id = %s
ORDER BY d.id, t.number
"""
SHOWN_OF_ID: Final = 6


@dataclass(frozen=True, slots=True)
class TryRow:
    """One request. `sale`: the state of the sale after it. `money`: the entries of the ledger after the last one."""

    lead: str
    buyer: str
    message_id: str
    number: int
    outcome: str
    status_code: str
    error: str
    reason: str
    sale: str
    money: str

    @property
    def answer(self) -> str:
        return ": ".join(filter(None, (self.status_code, self.error, self.reason)))


def read_tries(shown: DirectPost) -> tuple[TryRow, ...]:
    rows: list[TryRow] = []
    for title, lead_id in shown.leads.items():
        with connection.cursor() as cursor:
            cursor.execute(TRIES, [lead_id])
            rows += [TryRow(title, *row) for row in cursor.fetchall()]
    return tuple(rows)


def show_tries(tries: Sequence[TryRow]) -> Iterator[str]:
    """Yield lines: each lead with its requests, and after the last request of a buyer what became of the sale."""
    for lead, of_lead in groupby(tries, key=lambda each: each.lead):
        yield lead
        for each in of_lead:
            message = f"message …{each.message_id[-SHOWN_OF_ID:]}"
            yield f"  {each.buyer}, {message}, try {each.number}: {each.outcome} ({each.answer})"
            if each.money:
                yield f"    {each.sale}: {each.money}"
