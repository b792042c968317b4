"""The SQL condition of triggers that act when one of some columns has changed."""

from collections.abc import Sequence


def is_changed(columns: Sequence[str]) -> str:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return f"(ROW({old}) IS DISTINCT FROM ROW({new}))"
