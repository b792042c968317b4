"""The trigger that makes verifications due at once for which their campaign no longer asks."""

from typing import ClassVar

import pgtrigger

from distribution.models.campaign import Campaign
from distribution.models.verifying import CALLS_CHANNEL


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
            IF FOUND THEN
                NOTIFY {CALLS_CHANNEL};
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - only a condition is put in
    )


class CampaignWithVerifications(Campaign):
    """The campaign, for the trigger that lets leads go for which it no longer asks."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [campaign_verifications_trigger()]
