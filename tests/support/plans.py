"""Plans of statements, as PostgreSQL explains them."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection


def nodes(sql: str, parameters: Any, *, options: str = "FORMAT JSON") -> list[dict[str, Any]]:
    """Return every node of a statement's plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}) {sql}", parameters)
        [(explained,)] = cursor.fetchall()
    return list(walk((json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]))


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from walk(each)


def read_by_table(sql: str, parameters: Any) -> dict[str, tuple[set[str], float]]:
    """By table: the indexes used, and how many of its rows were read."""
    found: dict[str, tuple[set[str], float]] = {}
    for node in nodes(sql, parameters, options="ANALYZE, FORMAT JSON"):
        if "Relation Name" in node:
            indexes, rows = found.get(node["Relation Name"], (set(), 0))
            indexes |= _indexes_of(node)
            read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            found[node["Relation Name"]] = indexes, rows + read
    return found


def _indexes_of(scan: dict[str, Any]) -> set[str]:
    """Of a bitmap scan, those of the scans below it."""
    if scan["Node Type"] != "Bitmap Heap Scan":
        return {scan.get("Index Name", "none")}
    return {each["Index Name"] for each in walk(scan) if each["Node Type"] == "Bitmap Index Scan"}


def plan(sql: str, parameters: Any) -> tuple[set[str], set[str]]:
    """Return the indexes that a statement uses and the tables that it reads in full."""
    found = nodes(sql, parameters)
    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    return {node["Index Name"] for node in found if "Index Name" in node}, scanned
