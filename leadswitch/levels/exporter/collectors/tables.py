"""Sizes of the product's tables and indexes, how many of their rows are dead, and the bloat of the indexes."""

from typing import Final

from leadswitch.levels.exporter.collectors.index_bloat import BLOAT, PRODUCT_TABLE, estimate_index_bloat
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_rows

TABLE_BYTES: Final = Series(
    "leadswitch_postgres_table_bytes", "Size of a table with its large values, without its indexes.", "table"
)
INDEX_BYTES: Final = Series("leadswitch_postgres_index_bytes", "Size of all indexes of a table.", "table")
DEAD_ROWS: Final = Series(
    "leadswitch_postgres_dead_rows_ratio",
    "Rows of a table that are dead and not vacuumed yet, as a part of all its rows, by PostgreSQL's statistics.",
    "table",
)

READ_TABLES: Final = """
SELECT relname, pg_table_size(relid), pg_indexes_size(relid),
    coalesce(n_dead_tup::float8 / nullif(n_live_tup + n_dead_tup, 0), 0)
FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND relname ~ %(product)s
ORDER BY relname
"""


def read() -> Values:
    rows = fetch_rows(READ_TABLES, {"product": PRODUCT_TABLE})
    sizes = {
        series: {row[0]: float(row[at]) for row in rows}
        for at, series in enumerate((TABLE_BYTES, INDEX_BYTES, DEAD_ROWS), start=1)
    }
    return {**sizes, BLOAT: estimate_index_bloat()}


TABLES: Final = CollectorRow("tables", (TABLE_BYTES, INDEX_BYTES, DEAD_ROWS, BLOAT), read)
