"""A campaign that no longer asks makes the verifications due of the leads that it lets go."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0118_calls_of_leads_that_move_on")]

    operations = [
        migrations.CreateModel(
            name="CampaignWithVerifications",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("distribution.campaign",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaignwithverifications",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_verifications",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.active AND NOT NEW.active OR NEW.verification IS DISTINCT FROM OLD.verification OR NEW.consent_kind IS DISTINCT FROM OLD.consent_kind)",
                    func="\n            WITH parked AS (\n                SELECT v.id FROM distribution_verification v JOIN routing_lead l ON l.id = v.lead_id\n                WHERE v.campaign_id = NEW.id AND v.state = 'waiting' AND v.due_at > clock_timestamp() AND NOT (\n        NEW.active AND (\n            NEW.verification = 'required'\n            OR (NEW.verification = 'unless_consent' AND NOT l.consent ? NEW.consent_kind)\n        )\n    )\n                ORDER BY v.id FOR NO KEY UPDATE OF v\n            )\n            UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;\n            IF FOUND THEN\n                NOTIFY leadswitch_calls;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="8ea91026ee1df1d0a5cac27c2639f6d929990015",
                    operation='UPDATE OF "active", "verification", "consent_kind"',
                    pgid="pgtrigger_wake_verifications_c7ecb",
                    table="distribution_campaign",
                    when="AFTER",
                ),
            ),
        ),
    ]
