"""How much of a table's B-tree indexes REINDEX would free, estimated from PostgreSQL's statistics.

No page of an index is read, and no extension is needed. Any role that may read the tables gets the values.
"""

from collections.abc import Mapping
from typing import Final

from leadswitch.levels.exporter.series import Series
from leadswitch.levels.rows import fetch_rows

# Below it, the pages that every index has are too large a part.
LEAST_BYTES: Final = 1_000_000
PRODUCT_TABLE: Final = "^(distribution|leadswitch|routing|tracing)_"

BLOAT: Final = Series(
    "leadswitch_postgres_index_bloat_ratio",
    (
        "Estimate of the part of a table's B-tree indexes that REINDEX would free, from PostgreSQL's statistics of"
        " the last vacuum or analyze. Indexes below 1 MB count as 0. Not shown for a table with a larger index that"
        " was never analyzed."
    ),
    "table",
)

# Bytes by PostgreSQL's format on disk with 8-byte alignment. A page has a header of 24 bytes and 16 bytes of the
# B-tree, and is filled up to the fillfactor (90 unless the index has another). Each entry has a line pointer (4) and a
# header (8, and 8 more if a column is NULL), then the columns. An entry of equal keys has 6 bytes for each of its rows,
# up to about 128 of them, but not in unique indexes and not in those with INCLUDE. Statistics are of all rows of the
# table: in a partial index no column is taken to be NULL, so that the estimate is rather low.
ESTIMATE: Final = """
WITH described AS (
    SELECT t.relname AS table_name, i.oid, i.relpages, greatest(i.reltuples, 0)::float8 AS entries,
        coalesce(substring(array_to_string(i.reloptions, ' ') FROM 'fillfactor=(\\d+)')::float8, 90) / 100 AS filled,
        12 + 8 * max(part_null) + 8 * ceil(sum(s.avg_width) / 8.0)
            * coalesce(sum((1 - part_null) * s.avg_width) / nullif(sum(s.avg_width), 0), 0) AS entry_bytes,
        sum(ln(greatest(1, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * t.reltuples
            ELSE coalesce(nullif(s.n_distinct, 0), i.reltuples) END + ceil(s.null_frac))::float8)) AS ln_keys,
        x.indisunique OR x.indnatts > x.indnkeyatts AS is_plain,
        i.reltuples >= 0 AND count(s.avg_width) = count(*) AS is_analyzed
    FROM pg_class t
    JOIN pg_index x ON x.indrelid = t.oid
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_am m ON m.oid = i.relam AND m.amname = 'btree'
    JOIN pg_attribute a ON a.attrelid = i.oid
    LEFT JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = x.indkey[a.attnum - 1]
    LEFT JOIN pg_stats s ON s.schemaname = current_schema() AND s.attname = coalesce(c.attname, a.attname)
        AND s.tablename = CASE WHEN c.attname IS NULL THEN i.relname ELSE t.relname END
    CROSS JOIN LATERAL (SELECT CASE WHEN x.indpred IS NULL THEN s.null_frac ELSE 0 END AS part_null) nulls
    WHERE t.relnamespace = to_regnamespace(current_schema()) AND t.relkind = 'r' AND t.relname ~ %(product)s
    GROUP BY t.relname, i.oid, i.relpages, i.reltuples, i.reloptions, x.indisunique, x.indnatts, x.indnkeyatts
), counted AS (
    SELECT *, CASE WHEN is_plain THEN entries ELSE least(entries, exp(least(ln_keys, 100))) END AS keys
    FROM described
), estimated AS (
    SELECT table_name, relpages, is_analyzed, pg_relation_size(oid) >= %(least_bytes)s AS is_large,
        1 + ceil(
            CASE WHEN entries < 2 * keys THEN entries * entry_bytes
            ELSE greatest(keys, entries / 128) * entry_bytes + entries * 6 END
            / ((current_setting('block_size')::int - 40) * filled)
        ) AS pages
    FROM counted
)
SELECT table_name,
    coalesce(sum(greatest(relpages - pages, 0)) FILTER (WHERE is_large)
        / nullif(sum(relpages) FILTER (WHERE is_large), 0), 0)
FROM estimated
GROUP BY table_name
HAVING bool_and(is_analyzed OR NOT is_large)
"""


def estimate_index_bloat() -> Mapping[str, float]:
    """The part to be freed, from 0 to 1, by table. A table of which it is unknown is left out.

    The estimate is that of Jehan-Guillaume de Rorthais for B-trees, at
    https://github.com/ioguix/pgsql-bloat-estimation/tree/master/btree: pages that the entries need at their average
    width, against the pages that there are. Equal keys, which PostgreSQL stores once since version 13, are counted in
    addition.
    """
    rows = fetch_rows(ESTIMATE, {"product": PRODUCT_TABLE, "least_bytes": LEAST_BYTES})
    return {table: float(ratio) for table, ratio in rows}
