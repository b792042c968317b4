"""The statements of a page: how many there are, and the plans of those that read a big table."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connection

from tests.support.row_counter import is_read

# A node's line without its costs: "Index Scan using lead_retry_queue on routing_lead l".
NODE: Final = re.compile(r"^\s*(?:->\s+)?(?P<node>[A-Z][^(:]*?)\s+\((?:actual|never)", re.MULTILINE)
TABLE: Final = re.compile(r"\bScan\b.*? on (?P<table>\w+)")
TIME: Final = re.compile(r"^Execution Time: (?P<ms>[\d.]+) ms", re.MULTILINE)
BIG_TABLES: Final = """
SELECT relname, reltuples::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples >= %s ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement of one page with its plan, as PostgreSQL prints it. `execution_ms`: measured by EXPLAIN ANALYZE."""

    page: str
    sql: str
    plan: str

    @property
    def execution_ms(self) -> float:
        found = TIME.search(self.plan)
        return float(found["ms"]) if found else 0.0

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(each["table"] for each in TABLE.finditer(self.plan))

    @property
    def shape(self) -> tuple[str, ...]:
        """The nodes without numbers. Two statements of one shape run in the same way."""
        return tuple(each["node"] for each in NODE.finditer(self.plan))

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "execution_ms": self.execution_ms, "tables": sorted(self.tables)}


class StatementLog:
    """An execute wrapper that counts the statements of `page`, and explains those that only read."""

    def __init__(self, page: str) -> None:
        self.count = 0
        self.explained: list[Explained] = []
        self._page = page
        self._is_explaining = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if not self._is_explaining:
            self.count += 1
            if not many and is_read(sql):
                self._explain(sql, params)
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> None:
        self._is_explaining = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS) {sql}", params)
                plan = "\n".join(line for (line,) in cursor.fetchall())
        finally:
            self._is_explaining = False
        self.explained.append(Explained(self._page, " ".join(sql.split()), plan))


def read_big_tables(least: int) -> Mapping[str, int]:
    """Rows of the tables that have at least `least`, as the statistics estimate them."""
    with connection.cursor() as cursor:
        cursor.execute(BIG_TABLES, [least])
        return dict(cursor.fetchall())


def find_slowest(explained: list[Explained], big: Mapping[str, int]) -> list[Explained]:
    """Of each statement and plan on a big table, the slowest, with the slowest first."""
    slowest: dict[tuple[str, tuple[str, ...]], Explained] = {}
    for each in sorted(explained, key=lambda each: each.execution_ms, reverse=True):
        if each.tables & set(big):
            slowest.setdefault((each.sql, each.shape), each)
    return list(slowest.values())
