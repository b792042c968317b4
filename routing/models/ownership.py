"""Triggers that refuse to move a row to another owner.

What others may read of the row and were charged for depends on the owner. They are in the database so that no path
around the forms (an update(), a script, psql) moves a row between tenants.
"""

import pgtrigger


def owner_trigger(*columns: str, name: str, instead: str, known_later: bool = False) -> pgtrigger.Trigger:
    """Refuse a change of these columns. Other updates do not run the trigger.

    `name`: what the row is. `instead`: what to do, in whole sentences without a single quote. `known_later`: a row may
    get its owner once, if it has none. The refusal is a check violation named owner_is_fixed.
    """
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    owners = " and ".join(column.removesuffix("_id").replace("_", " ") for column in columns)
    changed = f"ROW({new}) IS DISTINCT FROM ROW({old})"
    return pgtrigger.Trigger(
        name="owner_is_fixed",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf(*columns),
        condition=pgtrigger.Condition(
            f"(ROW({old}) IS NOT NULL AND {changed})" if known_later else f"({changed})"
        ),
        func=f"""
            RAISE EXCEPTION 'The {owners} of {name} % cannot be changed. {instead}', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;
        """,
    )


def test_flag_trigger(*, name: str) -> pgtrigger.Trigger:
    """Refuse to turn a test into a real row or back: it was counted, or not, when it was written."""
    return pgtrigger.Trigger(
        name="test_is_fixed",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf("is_test"),
        condition=pgtrigger.Condition("(NEW.is_test <> OLD.is_test)"),
        func=f"""
            RAISE EXCEPTION 'Whether {name} % is a test cannot be changed. Send it again.', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'test_is_fixed', TABLE = TG_TABLE_NAME;
        """,
    )
