"""Counts the rows that statements read from tables that grow with history, including discarded rows."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection

from distribution.models import Assignment, CardPayment, LedgerEntry, Offer, OfferBuyer
from routing.models import IdempotencyRecord, Lead, Ping
from tracing.models import Attempt, AuditEntry, LeadDistributionEvent

GROWING: Final = {
    model._meta.db_table
    for model in (
        Lead,
        Attempt,
        LeadDistributionEvent,
        Assignment,
        LedgerEntry,
        AuditEntry,
        IdempotencyRecord,
        Offer,
        OfferBuyer,
        CardPayment,
        Ping,
    )
}
READS: Final = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
WRITES: Final = re.compile(r"\b(INSERT|UPDATE|DELETE|nextval|advisory)\b", re.IGNORECASE)


class RowCounter:
    """An execute wrapper that runs EXPLAIN on each reading statement before the statement itself."""

    def __init__(self) -> None:
        self.rows = 0
        self._is_explaining = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if not (self._is_explaining or many) and is_read(sql):
            self._is_explaining = True
            try:
                self.rows += self._explain(sql, params)
            finally:
                self._is_explaining = False
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
            [(found,)] = cursor.fetchall()
        plan = json.loads(found) if isinstance(found, str) else found
        return sum(_count_taken(node) for node in _nodes(plan[0]["Plan"]))


def is_read(sql: str) -> bool:
    return READS.match(sql) is not None and WRITES.search(sql) is None


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from _nodes(each)


def _count_taken(node: dict[str, Any]) -> int:
    if node.get("Relation Name") not in GROWING:
        return 0
    each: float = (
        node["Actual Rows"]
        + node.get("Rows Removed by Filter", 0)
        + node.get("Rows Removed by Index Recheck", 0)
    )
    loops: int = node["Actual Loops"]
    return round(each * loops)
