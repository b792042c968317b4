"""Triggers that keep a row where it was made: what others have read of it, and charged by it, goes by its owner.

They live in the database so that no path around the forms (an update(), a script, psql) moves a row between tenants.
"""

import pgtrigger


def owner_trigger(*columns: str, name: str, instead: str) -> pgtrigger.Trigger:
    """Refuses a change of these columns. `name`: what the row is. `instead`: what to do, a clause without a subject.

    The refusal is a check violation named owner_is_fixed. Other updates do not run it.
    """
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    owners = " and ".join(column.removesuffix("_id").replace("_", " ") for column in columns)
    return pgtrigger.Trigger(
        name="owner_is_fixed",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf(*columns),
        condition=pgtrigger.Condition(f"(ROW({new}) IS DISTINCT FROM ROW({old}))"),
        func=f"""
            RAISE EXCEPTION '{name} % keeps its {owners}: {instead}', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;
        """,
    )
