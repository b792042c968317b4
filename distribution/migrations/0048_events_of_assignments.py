"""Adds the events of sales, rejections and returns."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0047_wallet_notices"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_sale",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'sold' AND NOT NEW.is_test)",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    PERFORM distribution_emit(\n        'lead.sold', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NEW.lead_id, NEW.id, NEW.campaign_id,\n        '{}'::jsonb, NULL\n    );\n RETURN NULL;",
                    hash="7d4697706fc596bc1e7f7270f7a75f6b2a3ec4b0",
                    operation="INSERT",
                    pgid="pgtrigger_event_of_sale_19612",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_state",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state <> OLD.state AND NEW.state IN ('sold', 'returned', 'rejected') AND NOT NEW.is_test)",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    IF NEW.state = 'sold' THEN \n    PERFORM distribution_emit(\n        'lead.sold', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NEW.lead_id, NEW.id, NEW.campaign_id,\n        '{}'::jsonb, NULL\n    );\n ELSIF NEW.state = 'returned' THEN \n    PERFORM distribution_emit(\n        'lead.returned', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NEW.lead_id, NEW.id, NEW.campaign_id,\n        '{}'::jsonb, NULL\n    );\n ELSE \n    PERFORM distribution_emit(\n        'assignment.rejected', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NEW.lead_id, NEW.id, NEW.campaign_id,\n        '{\"was_charged\": false}'::jsonb, NULL\n    );\n END IF;\n RETURN NULL;",
                    hash="8f344aaab7e4460db9f23e2d488079851de039d3",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_event_of_state_44952",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
    ]
