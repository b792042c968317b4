"""The daily CSV of a buyer's leads. Spreadsheets open it, so a cell that begins like a formula is guarded."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from distribution.deliveries.payloads.expressions import OMITTED, Expression, Placeholder, write_text
from distribution.deliveries.payloads.fields import FIELDS, Facts
from distribution.deliveries.payloads.lead import make_plain
from distribution.deliveries.payloads.template import Template
from routing.values.attributes import flatten_attributes
from routing.values.spreadsheet import guard_cell

# A spreadsheet reads it as a time.
TIME: Final = "%Y-%m-%d %H:%M:%S"
TEST: Final = "is_test"
LEFT_OUT: Final = ("attributes", "message_id")


def write_csv(leads: Sequence[Facts], *, zone: tzinfo, template: Template | None = None) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need. Without a template: all fields, times in `zone`.

    `template` has the format form: its targets are the columns. A file with a test lead has the column `is_test` as
    well, so that nobody calls a person who does not exist.
    """
    if template:
        columns = {str(name): each for name, each in template.root.children.items()}
        if any(facts.lead.is_test for facts in leads):
            columns[TEST] = _read_usual(TEST, zone)
        rows = [_evaluate(columns, facts) for facts in leads]
        return _write_rows(list(columns), rows)
    usual = {name: _read_usual(name, zone) for name in FIELDS if name not in LEFT_OUT}
    rows = [
        _evaluate(usual, facts) | flatten_attributes(make_plain(facts.lead.attributes)) for facts in leads
    ]
    attributes = sorted({name for row in rows for name in row} - usual.keys())
    return _write_rows([*usual, *attributes], rows)


def _read_usual(name: str, zone: tzinfo) -> Expression:
    return Expression(source=Placeholder(name, TIME if FIELDS[name].kind == "time" else "", zone))


def _evaluate(columns: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {name: each.evaluate(facts) for name, each in columns.items() if isinstance(each, Expression)}


def _write_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([guard_cell(name) for name in columns])
    for row in rows:
        writer.writerow([guard_cell(_write_cell(row.get(name))) for name in columns])
    return written.getvalue().encode("utf-8-sig")


def _write_cell(value: Any) -> str:
    """NUL ends a file for some readers."""
    return "" if value is OMITTED else write_text(value).replace("\x00", "")
