"""The trigger that numbers the changes of a switch, so that whoever mirrors one can tell which came later."""

import pgtrigger


def switch_trigger(*columns: str) -> pgtrigger.Trigger:
    """`switch_version` grows with each change of these columns and by nothing else: a save() of an old row keeps it.

    It is the time in microseconds, so that a database that was restored goes on above what it had before.
    """
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return pgtrigger.Trigger(
        name="number_switches",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf(*columns, "switch_version"),
        func=f"""
            NEW.switch_version = OLD.switch_version;
            IF ROW({new}) IS DISTINCT FROM ROW({old}) THEN
                NEW.switch_version = GREATEST(
                    OLD.switch_version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
                );
            END IF;
            RETURN NEW;
        """,
    )
