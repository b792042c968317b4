"""The estimated bloat of indexes, compared with what REINDEX frees."""

from collections.abc import Iterator
from typing import Final

import pytest
from django.db import connection

from leadswitch.levels.exporter.collectors.index_bloat import LEAST_BYTES, estimate_index_bloat
from tests.support.schema import execute

pytestmark = pytest.mark.usefixtures("committed_db")

TABLE: Final = "routing_sample"
INDEX: Final = "routing_sample_index"
ROWS: Final = 200_000
CREATE: Final = f"""
CREATE TABLE {TABLE} (id bigint, uid uuid, name text, kind bigint, at timestamptz)
WITH (autovacuum_enabled = false)
"""
FILL: Final = f"""
INSERT INTO {TABLE}
SELECT n, gen_random_uuid(), 'lead ' || md5(n::text), n % 49,
    CASE WHEN n % 4 = 1 THEN now() + n * interval '1 second' END
FROM generate_series(1, {ROWS}) n
"""
INDEXES: Final = {
    "number": "(id)",
    "wide": "(name, id)",
    "unique": "(uid)",
    "equal keys": "(kind)",
    "mostly null": "(at)",
    "partial": "(id) WHERE kind < 25",
    "half empty on purpose": "(id) WITH (fillfactor = 50)",
    "included column": "(kind) INCLUDE (id)",
    "expression": "(upper(name))",
}


@pytest.fixture(params=INDEXES)
def index(committed_db: None, request: pytest.FixtureRequest) -> Iterator[None]:  # noqa: ARG001
    """A new index on a filled table that is not analyzed."""
    definition, is_unique = INDEXES[request.param], request.param == "unique"
    execute(CREATE)
    try:
        execute(FILL)
        execute(f"CREATE {'UNIQUE ' * is_unique}INDEX {INDEX} ON {TABLE} {definition}")
        yield
    finally:
        execute(f"DROP TABLE {TABLE}")


def read_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s)", [INDEX])
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("index")
def test_bloat_is_what_reindex_frees() -> None:
    assert TABLE not in estimate_index_bloat()
    execute(f"VACUUM ANALYZE {TABLE}")
    assert estimate_index_bloat()[TABLE] < 0.05
    execute(f"DELETE FROM {TABLE} WHERE id % 5 > 0")
    execute(f"VACUUM ANALYZE {TABLE}")
    before = read_bytes()
    assert before > LEAST_BYTES
    estimated = estimate_index_bloat()[TABLE]

    execute(f"REINDEX TABLE CONCURRENTLY {TABLE}")

    freed = 1 - read_bytes() / before
    assert freed > 0.7
    assert estimated == pytest.approx(freed, abs=0.05)


def test_small_index_counts_as_free_of_bloat() -> None:
    """Of the few pages that it has, most are the ones that every index has."""
    execute(CREATE)
    try:
        execute(f"CREATE INDEX ON {TABLE} (id)")
        assert estimate_index_bloat()[TABLE] == 0
    finally:
        execute(f"DROP TABLE {TABLE}")
