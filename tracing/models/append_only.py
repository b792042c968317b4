"""Triggers that make a table append-only in the database itself, no matter which code or person writes to it."""

import pgtrigger


def append_only_triggers(table: str) -> list[pgtrigger.Trigger]:
    """Return the row triggers for UPDATE and DELETE and the statement trigger for TRUNCATE of `table`.

    TRUNCATE fires no row trigger, so it needs one of its own.
    """
    refuse = f"RAISE EXCEPTION '{table} is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';"
    return [
        pgtrigger.Trigger(
            name="refuse_change",
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=refuse,
        ),
        pgtrigger.Trigger(
            name="refuse_truncate",
            when=pgtrigger.Before,
            level=pgtrigger.Statement,
            operation=pgtrigger.Truncate,
            func=refuse,
        ),
    ]
