"""Adds the events of the status of leads."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0050_events_of_enrollments"),
        ("routing", "0047_payables_scope"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeadWithEvents",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("routing.lead",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leadwithevents",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_status",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.status <> OLD.status AND NOT NEW.is_test)",
                    declare="DECLARE facts jsonb;",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    facts := jsonb_build_object(\n        'status', NEW.status, 'previous_status', OLD.status, 'reason', NEW.skip_reason\n    );\n    \n    PERFORM distribution_emit('lead.status_changed', NULL, NEW.source_id, NEW.workspace_id, NEW.id, NULL, NULL, facts, NULL);\n\n    IF NEW.status = 'distributed' THEN \n    PERFORM distribution_emit('lead.sold', NULL, NEW.source_id, NULL, NEW.id, NULL, NULL, facts, NULL);\n\n    ELSIF NEW.status = 'returned' THEN \n    PERFORM distribution_emit('lead.returned', NULL, NEW.source_id, NULL, NEW.id, NULL, NULL, facts, NULL);\n\n    ELSIF NEW.status IN ('failed', 'expired') THEN \n    PERFORM distribution_emit('lead.unsold', NULL, NEW.source_id, NEW.workspace_id, NEW.id, NULL, NULL, facts, NULL);\n\n    END IF;\n    RETURN NULL;\n",
                    hash="906a8d3376c5fed7c18529eb1a7a8e36509d3bdf",
                    operation='UPDATE OF "status"',
                    pgid="pgtrigger_event_of_status_045e6",
                    table="routing_lead",
                    when="AFTER",
                ),
            ),
        ),
    ]
