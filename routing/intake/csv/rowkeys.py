"""Identifies rows without an id by their content and their number among equal rows.

A file can be corrected, sorted, extended and saved again by a spreadsheet: an unchanged row keeps its key. A changed
row is a new row.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from routing.intake.csv.header import fold_name
from routing.intake.csv.mapping import clean_cell
from routing.intake.csv.rows import EXTRA_COLUMNS, Row
from routing.intake.identity import identify
from routing.intake.parse import CleanLead

WHOLE: Final = re.compile(r"0*([0-9]+)\.0+")
KEY_BYTES: Final = 12
MAX_SHOWN: Final = 20


class RowKeys:
    """The keys of one file. Needs twelve bytes and a number for each row, about 100 MB for a million rows."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._names = [fold_name(name) for name in columns]
        self._seen: Counter[bytes] = Counter()

    def make(self, row: Row) -> str:
        """Return `import:` with the hash of the row's content and its number among equal rows."""
        named = zip(self._names, row.cells, strict=False)
        content = sorted(
            (name, text) for name, cell in named if name not in EXTRA_COLUMNS and (text := _unify(cell))
        )
        key = sha256(json.dumps(content).encode()).digest()[:KEY_BYTES]
        self._seen[key] += 1
        return f"import:{key.hex()}:{self._seen[key]}"


class RepeatedContacts:
    """Rows of one file with the email or phone of an earlier row."""

    def __init__(self) -> None:
        self.count = 0
        self.shown: list[Mapping[str, int]] = []
        self._lines: dict[bytes, int] = {}

    def note(self, lead: CleanLead, *, line: int) -> None:
        hashes = identify(email=lead.email, phone=lead.phone)
        people = [bytes.fromhex(each)[:KEY_BYTES] for each in hashes if each]
        first = min((self._lines[each] for each in people if each in self._lines), default=None)
        for each in people:
            self._lines.setdefault(each, line)
        if first is not None:
            self.count += 1
            if len(self.shown) < MAX_SHOWN:
                self.shown.append({"line": line, "first_line": first})


def _unify(cell: str) -> str:
    """A spreadsheet may write 30312 as '30312 or 30312.0 when it saves the file again."""
    text = " ".join(clean_cell(cell).split())
    matched = WHOLE.fullmatch(text)
    return matched[1] if matched else text
