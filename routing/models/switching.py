"""The trigger of a switch. It numbers the changes, so that a mirror can find out which is newer, and times a resume."""

import pgtrigger


def switch_trigger(*columns: str) -> pgtrigger.Trigger:
    """`switch_version` grows only with a change of these columns, and `resumed_at` is set only when a pause ends.

    A save() of an old row keeps both.
    The version is the time in microseconds, so that a restored database continues above its earlier values.
    """
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return pgtrigger.Trigger(
        name="number_switches",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf(*columns, "switch_version", "resumed_at"),
        func=f"""
            NEW.switch_version = OLD.switch_version;
            NEW.resumed_at = OLD.resumed_at;
            IF OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL THEN
                NEW.resumed_at = clock_timestamp();
            END IF;
            IF ROW({new}) IS DISTINCT FROM ROW({old}) THEN
                NEW.switch_version = GREATEST(
                    OLD.switch_version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
                );
            END IF;
            RETURN NEW;
        """,
    )
