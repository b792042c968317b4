"""Counts the statements that reach the server, from libpq's own trace of the wire.

Django's query log would miss the BEGIN and COMMIT that the driver sends by itself.
"""

import re
from collections.abc import Callable, Sequence
from tempfile import TemporaryFile
from typing import Final

from django.db import connection
from psycopg.pq import Trace

# From us (F): sender, length, kind, content until the next message. The content may span lines.
MESSAGE: Final = re.compile(r"^F\t\d+\t(\w+)\t?(.*?)(?=^[FB]\t\d+\t|\Z)", re.MULTILINE | re.DOTALL)
SHOWN_CHARACTERS: Final = 60


def list_statements(act: Callable[[], object]) -> Sequence[str]:
    """Run `act` and return the start of each statement that it sent on the default connection, in order."""
    connection.ensure_connection()
    raw = connection.connection
    # A prepared statement is sent by number. With none prepared, each is sent with its text. The count is the same.
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    with TemporaryFile("w+", encoding="utf-8") as trace:
        raw.pgconn.trace(trace.fileno())
        raw.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            act()
        finally:
            raw.pgconn.untrace()
            raw.prepare_threshold = threshold
        trace.seek(0)
        return read_trace(trace.read())


def read_trace(text: str) -> Sequence[str]:
    """Return one line for each Query or Execute message: each is one statement. A Parse before it contains its text."""
    statements, parsed = [], ""
    for kind, content in MESSAGE.findall(text):
        if kind == "Parse":
            parsed = content.replace('""', "", 1)
        elif kind in ("Query", "Execute"):
            statements.append(_shorten(content if kind == "Query" else parsed))
    return statements


def _shorten(sql: str) -> str:
    return " ".join(sql.strip(' "\n').split())[:SHOWN_CHARACTERS]
