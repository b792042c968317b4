"""For any wrong estimate by PostgreSQL, the work for a slice grows with its rows and not with their square."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from django.db import connection

from distribution.verify import Findings, Invariant, pools, run_verification, slices
from tests.functional.verify import copies
from tests.functional.verify.world import broken

A_SLICE: Final = 1_000
COPIES: Final = 3 * A_SLICE
# Linear work is below 60,000 rows. Comparing a slice with itself pair by pair takes at least 1,000,000.
MAX_ROWS: Final = 200_000
ATTEMPT_IDS: Final = (("tracing_attempt", "id"), ("tracing_leaddistributionevent", "attempt_id"))
READS: Final = ("SELECT", "WITH")
PASSED_OVER: Final = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
)


@contextmanager
def frozen_statistics() -> Iterator[None]:
    """Statistics stay as a test has set them. Afterwards they match the rows."""
    for table in copies.TABLES:
        run(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    try:
        yield
    finally:
        set_bins(-1)
        for table in copies.TABLES:
            run(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
        analyze()


def set_bins(number: int) -> None:
    for table, column in ATTEMPT_IDS:
        run(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {number}")


def analyze() -> None:
    for table in copies.TABLES:
        run(f"ANALYZE {table}")


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture(params=["coarse", "stale"])
def misjudged(
    committed_db: None,  # noqa: ARG001
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Slices whose attempts PostgreSQL estimates as one.

    Coarse: they are within one bin of its histogram, as 10,000 of a million are with its usual hundred bins.
    Stale: they are newer than its statistics.
    """
    for name in ("LEADS_PER_SLICE", "ATTEMPTS_PER_SLICE", "TOUCHED_PER_SLICE"):
        monkeypatch.setattr(slices, name, A_SLICE)
    original = copies.sell_original()
    assert run_verification(incremental=True).holds  # the next incremental run reads all copies
    with frozen_statistics():
        if request.param == "coarse":
            copies.copy(original, first=1, last=COPIES)
            set_bins(1)
            analyze()
        else:
            copies.copy(original, first=1, last=A_SLICE // 10)
            analyze()
            copies.copy(original, first=A_SLICE // 10 + 1, last=COPIES)
        yield


class Work:
    """The most rows that any statement of a check processed at once, and PostgreSQL's estimate for a slice."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], int] = {}
        self.estimates: list[tuple[int, float]] = []
        self._check = "touched"

    def begin(self, invariant: Invariant, *, parts: int) -> None:  # noqa: ARG002 - the signature of Progress
        self._check = invariant.name

    def advance(self, invariant: Invariant, findings: Findings, *, left: int) -> None:
        pass

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if sql.lstrip().startswith(READS):
            self._note(sql, params)
        return execute(sql, params, many, context)

    def _note(self, sql: str, params: Any) -> None:
        # Bypasses Django's wrappers, because this statement is not one of verify.
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
            [(explained,)] = cursor.fetchall()
        plan = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
        place = (self._check, " ".join(sql.split()))
        self.rows[place] = max(self.rows.get(place, 0), worked_on(plan))
        self.estimates += estimates(plan)

    @property
    def excessive(self) -> dict[tuple[str, str], int]:
        return {place: rows for place, rows in self.rows.items() if rows > MAX_ROWS}


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from walk(each)


def worked_on(plan: dict[str, Any]) -> int:
    """The rows that the nodes of a plan returned or discarded, in all their loops."""
    return round(
        sum(
            (node["Actual Rows"] + sum(node.get(name, 0) for name in PASSED_OVER)) * node["Actual Loops"]
            for node in walk(plan)
        )
    )


def estimates(plan: dict[str, Any]) -> Iterator[tuple[int, float]]:
    """For each read of all attempts: the estimated and the actual number."""
    for node in walk(plan):
        if node.get("Relation Name") == "tracing_attempt" and node["Actual Loops"] == 1:
            yield node["Plan Rows"], node["Actual Rows"]


def verify(*, incremental: bool = False) -> Work:
    work = Work()
    with connection.execute_wrapper(work):
        report = run_verification(progress=work, incremental=incremental)
    assert broken(report) == {}
    checked = {invariant.name: findings.checked for invariant, findings in report.results}
    assert min(checked["due"], checked["events"], checked["pools"], checked["replay"]) >= COPIES
    return work


@pytest.mark.usefixtures("misjudged")
def test_no_statement_compares_a_slice_pair_by_pair() -> None:
    work = verify()

    assert (1, A_SLICE) in work.estimates
    assert work.excessive == {}
    assert len(work.rows) > 30


@pytest.mark.usefixtures("misjudged")
def test_no_statement_compares_changed_rows_pair_by_pair() -> None:
    assert verify(incremental=True).excessive == {}


@contextmanager
def nested_loops() -> Iterator[None]:
    """The opposite of `no_nested_loops`.

    PostgreSQL always expects 100 elements of a JSON array, such as the buyers that an offer was shown to. So the wrong
    estimates of this module do not make it choose a nested loop by itself.
    """
    for name in ("enable_hashjoin", "enable_mergejoin"):
        run(f"SET LOCAL {name} = off")
    yield
    for name in ("enable_hashjoin", "enable_mergejoin"):
        run(f"SET LOCAL {name} = on")


@pytest.mark.parametrize("misjudged", ["stale"], indirect=True)
@pytest.mark.usefixtures("misjudged")
def test_control_with_nested_loops_pools_are_compared_pair_by_pair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same measure shows the damage."""
    monkeypatch.setattr(pools, "no_nested_loops", nested_loops)

    [((check, _), rows)] = verify().excessive.items()

    assert check == "pools"
    assert rows > A_SLICE**2
