"""Triggers that tell the dialers at once when what held calls back has gone: a pause, an account, a channel.

Verifications that wait for a line, an account or the end of a pause stay due. A dialer that was told reads them again.
"""

from typing import ClassVar, Final

import pgtrigger

from distribution.models.campaign import Campaign
from distribution.models.verifying import notify_calls
from routing.models import DispatchControl, Workspace

_RESUMED: Final = "(OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)"


def account_dialers_trigger() -> pgtrigger.Trigger:
    """Tells the dialers at once that an account may place calls again, or faster."""
    return notify_calls(
        "notify_dialers",
        operation=pgtrigger.UpdateOf("is_enabled", "stopped_at", "calls_per_second"),
        condition="""(
            NEW.is_enabled AND NEW.stopped_at IS NULL AND (
                NOT OLD.is_enabled OR OLD.stopped_at IS NOT NULL OR NEW.calls_per_second > OLD.calls_per_second
            )
        )""",
    )


def channel_dialers_trigger() -> pgtrigger.Trigger:
    """Tells the dialers at once that a channel may call again, has more lines, or may call faster."""
    return notify_calls(
        "notify_dialers",
        operation=pgtrigger.UpdateOf("is_enabled", "flagged_at", "lines", "calls_per_minute"),
        condition="""(
            NEW.is_enabled AND NEW.flagged_at IS NULL AND (
                NOT OLD.is_enabled OR OLD.flagged_at IS NOT NULL OR NEW.lines > OLD.lines
                OR NEW.calls_per_minute > OLD.calls_per_minute
            )
        )""",
    )


def campaign_verifications_trigger() -> pgtrigger.Trigger:
    """Makes the verifications due of leads for which the campaign no longer asks: a dialer then lets them go.

    Those for which it still asks keep their time, because it may be the wait after their last call.
    """
    asks = """(
        NEW.active AND (
            NEW.verification = 'required'
            OR (NEW.verification = 'unless_consent' AND NOT l.consent ? NEW.consent_kind)
        )
    )"""
    return pgtrigger.Trigger(
        name="wake_verifications",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("active", "verification", "consent_kind"),
        condition=pgtrigger.Condition(
            "(OLD.active AND NOT NEW.active OR NEW.verification IS DISTINCT FROM OLD.verification"
            " OR NEW.consent_kind IS DISTINCT FROM OLD.consent_kind)"
        ),
        func=f"""
            WITH parked AS (
                SELECT v.id FROM distribution_verification v JOIN routing_lead l ON l.id = v.lead_id
                WHERE v.campaign_id = NEW.id AND v.state = 'waiting' AND v.due_at > clock_timestamp() AND NOT {asks}
                ORDER BY v.id FOR NO KEY UPDATE OF v
            )
            UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;
            RETURN NULL;
        """,  # noqa: S608 - only a condition is put in
    )


class CampaignWithVerifications(Campaign):
    """The campaign, for the trigger that lets leads go for which it no longer asks."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [campaign_verifications_trigger()]


class WorkspaceWithCalls(Workspace):
    """The workspace, for the trigger that tells the dialers when its pause ends."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [
            notify_calls("notify_dialers", operation=pgtrigger.UpdateOf("paused_at"), condition=_RESUMED)
        ]


class ProductWithCalls(DispatchControl):
    """The product's switch, for the trigger that tells the dialers when the pause of all workspaces ends."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [
            notify_calls("notify_dialers", operation=pgtrigger.UpdateOf("paused_at"), condition=_RESUMED)
        ]
