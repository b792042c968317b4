"""The trigger that keeps the time since which every sale has a delivery to an endpoint."""

from typing import Final

import pgtrigger

# Which sales have a delivery to an endpoint depends on these.
CHOOSING: Final = ("active", "disabled_at", "campaign_id", "test_url")


def restart_trigger() -> pgtrigger.Trigger:
    """`live_since` begins again when other sales than before have a delivery to the endpoint."""
    old, new = (", ".join(f"{row}.{column}" for column in CHOOSING) for row in ("OLD", "NEW"))
    return pgtrigger.Trigger(
        name="restart_live_since",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf(*CHOOSING),
        condition=pgtrigger.Condition(f"(ROW({new}) IS DISTINCT FROM ROW({old}))"),
        func="NEW.live_since = clock_timestamp(); RETURN NEW;",
    )
