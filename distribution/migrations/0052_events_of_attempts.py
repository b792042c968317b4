"""Adds the events of unsold attempts of campaigns."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0051_events_of_leads"),
        ("tracing", "0021_answers_of_buyers"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptWithEvents",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("tracing.attempt",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attemptwithevents",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_unsold",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.result = 'unsold' AND NEW.campaign_id IS NOT NULL AND NOT NEW.is_test)",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    PERFORM distribution_emit(\n        'campaign.unsold', NULL, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NEW.lead_id, NULL, NEW.campaign_id,\n        jsonb_build_object('reason', NEW.skip_reason), NULL\n    );\n RETURN NULL;",
                    hash="6151b2998d601d16051c3617f3112d7b34a7b321",
                    operation="INSERT",
                    pgid="pgtrigger_event_of_unsold_9574c",
                    table="tracing_attempt",
                    when="AFTER",
                ),
            ),
        ),
    ]
