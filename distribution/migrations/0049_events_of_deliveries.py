"""Adds the events of the ends of deliveries."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0048_events_of_assignments"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_end",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state <> OLD.state AND NEW.assignment_id IS NOT NULL AND NEW.event_id IS NULL AND NOT NEW.is_test AND (NEW.state = 'accepted' OR NEW.state = 'rejected' AND NOT NEW.is_direct_post))",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    PERFORM distribution_emit(\n        CASE NEW.state WHEN 'accepted' THEN 'assignment.delivered' ELSE 'assignment.rejected' END,\n        a.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = a.campaign_id), a.lead_id, a.id, a.campaign_id,\n        CASE NEW.state WHEN 'accepted' THEN '{}' ELSE '{\"was_charged\": true}' END::jsonb\n            || jsonb_build_object('message_id', NEW.message_id), NULL\n    ) FROM distribution_assignment a WHERE a.id = NEW.assignment_id;\n RETURN NULL;",
                    hash="7c7f414f4e7c8fe495be007b343239610a8ac60a",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_event_of_end_7f2ec",
                    table="distribution_delivery",
                    when="AFTER",
                ),
            ),
        ),
    ]
