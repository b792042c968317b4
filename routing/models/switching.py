"""The trigger that numbers the changes of a switch, so that a mirror can find out which change is newer."""

import pgtrigger


def switch_trigger(*columns: str) -> pgtrigger.Trigger:
    """`switch_version` grows only with a change of these columns: a save() of an old row keeps it.

    It is the time in microseconds, so that a restored database continues above its earlier values.
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
