"""Triggers that make verifications due at once when the hours change for which they wait.

A dialer that reads hours and stores "not before 8 am" holds HOURS_LOCK shared (distribution/calls/calling_rules.py). A
change takes it alone, so it overlooks no verification that was parked by the old hours. A dialer checks the hours again
before it calls, so one that is due too early does no harm.
"""

from typing import Final

import pgtrigger

from distribution.models.verifying import CALLS_CHANNEL

# "lshours" as a number.
HOURS_LOCK: Final = 0x6C73_686F_7572_73
OF_THE_LAW: Final = ("outside_calling_hours", "no_calling_hours", "called_too_often")
OF_CHANNELS: Final = ("channel_closed", "no_channel")

# It skips locked verifications. A dialer that has one waits for HOURS_LOCK before it parks it, so to wait for it here
# would be a deadlock. It reads the hours again then.
_WAKE: Final = """
    PERFORM pg_advisory_xact_lock({lock});
    WITH parked AS (
        SELECT id FROM distribution_verification
        WHERE state = 'waiting' AND reason <> '' AND reason IN ({reasons}) AND due_at > clock_timestamp(){where}
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;
    IF FOUND THEN
        NOTIFY {channel};
    END IF;
    RETURN NULL;
"""


def _wake(reasons: tuple[str, ...], *, where: str = "") -> str:
    names = ", ".join(f"'{each}'" for each in reasons)
    return _WAKE.format(lock=HOURS_LOCK, reasons=names, where=where, channel=CALLS_CHANNEL)


def calling_hours_triggers() -> list[pgtrigger.Trigger]:
    """In all workspaces: a verification does not know in which states its person may be."""
    columns = (
        "country",
        "state",
        "opens",
        "closes",
        "calls_on_sunday",
        "calls_on_holidays",
        "most_calls_per_day",
    )
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
    return [
        pgtrigger.Trigger(
            name="wake_on_insert",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            func=_wake(OF_THE_LAW),
        ),
        pgtrigger.Trigger(
            name="wake_on_update",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf(*columns),
            condition=pgtrigger.Condition(f"({changed})"),
            func=_wake(OF_THE_LAW),
        ),
        # What waited for the hours of a state that has no row now says so after its next check.
        pgtrigger.Trigger(
            name="wake_on_delete",
            when=pgtrigger.After,
            operation=pgtrigger.Delete,
            func=_wake(OF_THE_LAW),
        ),
    ]


def channel_triggers() -> list[pgtrigger.Trigger]:
    """In the channel's workspace, when a person opens it: never in a transaction of a dialer."""
    is_usable = "NEW.is_enabled AND NEW.flagged_at IS NULL"
    opened = "NOT OLD.is_enabled OR OLD.flagged_at IS NOT NULL"
    hours = "NEW.hours IS DISTINCT FROM OLD.hours OR NEW.timezone IS DISTINCT FROM OLD.timezone"
    func = _wake(OF_CHANNELS, where=" AND workspace_id = NEW.workspace_id")
    return [
        pgtrigger.Trigger(
            name="wake_on_insert",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            condition=pgtrigger.Condition(f"({is_usable})"),
            func=func,
        ),
        pgtrigger.Trigger(
            name="wake_on_update",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf("is_enabled", "flagged_at", "hours", "timezone"),
            condition=pgtrigger.Condition(f"({is_usable} AND ({opened} OR {hours}))"),
            func=func,
        ),
    ]
