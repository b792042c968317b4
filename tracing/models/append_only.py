"""Triggers that make a table append-only in the database itself, no matter which code or person writes to it."""

import pgtrigger


def append_only_triggers(table: str, *, removable_if: str = "") -> list[pgtrigger.Trigger]:
    """Return the row triggers for UPDATE and DELETE and the statement trigger for TRUNCATE of `table`.

    TRUNCATE fires no row trigger, so it needs one of its own. `removable_if`: a condition on OLD; rows that meet it can
    be deleted, because they are kept for a time only.
    """
    refuse = f"RAISE EXCEPTION '{table} is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';"
    changes = pgtrigger.Update if removable_if else pgtrigger.Update | pgtrigger.Delete
    triggers = [
        pgtrigger.Trigger(name="refuse_change", when=pgtrigger.Before, operation=changes, func=refuse),
        pgtrigger.Trigger(
            name="refuse_truncate",
            when=pgtrigger.Before,
            level=pgtrigger.Statement,
            operation=pgtrigger.Truncate,
            func=refuse,
        ),
    ]
    if removable_if:
        kept = pgtrigger.Condition(f"(NOT ({removable_if}))")
        triggers.append(
            pgtrigger.Trigger(
                name="refuse_early_removal",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                condition=kept,
                func=refuse,
            )
        )
    return triggers
