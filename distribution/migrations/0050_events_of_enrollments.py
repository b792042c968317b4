"""Adds the events of caps."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0049_events_of_deliveries"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_cap",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((NEW.cap_hour > 0 AND NEW.hour_leads >= NEW.cap_hour AND (NEW.hour_leads > OLD.hour_leads OR NEW.hour_starts_at IS DISTINCT FROM OLD.hour_starts_at)) OR (NEW.cap_day > 0 AND NEW.day_leads >= NEW.cap_day AND (NEW.day_leads > OLD.day_leads OR NEW.counted_on IS DISTINCT FROM OLD.counted_on)) OR (NEW.cap_week > 0 AND NEW.week_leads >= NEW.cap_week AND (NEW.week_leads > OLD.week_leads OR NEW.counted_on IS DISTINCT FROM OLD.counted_on)) OR (NEW.cap_month > 0 AND NEW.month_leads >= NEW.cap_month AND (NEW.month_leads > OLD.month_leads OR NEW.counted_on IS DISTINCT FROM OLD.counted_on)))",
                    declare="DECLARE zone text; began timestamptz;",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    SELECT timezone INTO zone FROM distribution_buyer WHERE id = NEW.buyer_id;\n    \n    IF NEW.cap_hour > 0 AND NEW.hour_leads >= NEW.cap_hour AND (NEW.hour_leads > OLD.hour_leads OR NEW.hour_starts_at IS DISTINCT FROM OLD.hour_starts_at) THEN\n        began := NEW.hour_starts_at;\n        PERFORM distribution_emit(\n            'cap.reached', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NULL, NULL, NEW.campaign_id,\n            jsonb_build_object(\n                'period', 'hour', 'period_starts_at', began, 'cap', NEW.cap_hour, 'leads', NEW.hour_leads\n            ),\n            format('cap:%s:%s:hour:%s', NEW.campaign_id, NEW.buyer_id, extract(epoch FROM began)::bigint)\n        );\n    END IF;\n\n    IF NEW.cap_day > 0 AND NEW.day_leads >= NEW.cap_day AND (NEW.day_leads > OLD.day_leads OR NEW.counted_on IS DISTINCT FROM OLD.counted_on) THEN\n        began := NEW.counted_on::timestamp AT TIME ZONE zone;\n        PERFORM distribution_emit(\n            'cap.reached', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NULL, NULL, NEW.campaign_id,\n            jsonb_build_object(\n                'period', 'day', 'period_starts_at', began, 'cap', NEW.cap_day, 'leads', NEW.day_leads\n            ),\n            format('cap:%s:%s:day:%s', NEW.campaign_id, NEW.buyer_id, extract(epoch FROM began)::bigint)\n        );\n    END IF;\n\n    IF NEW.cap_week > 0 AND NEW.week_leads >= NEW.cap_week AND (NEW.week_leads > OLD.week_leads OR NEW.counted_on IS DISTINCT FROM OLD.counted_on) THEN\n        began := date_trunc('week', NEW.counted_on::timestamp) AT TIME ZONE zone;\n        PERFORM distribution_emit(\n            'cap.reached', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NULL, NULL, NEW.campaign_id,\n            jsonb_build_object(\n                'period', 'week', 'period_starts_at', began, 'cap', NEW.cap_week, 'leads', NEW.week_leads\n            ),\n            format('cap:%s:%s:week:%s', NEW.campaign_id, NEW.buyer_id, extract(epoch FROM began)::bigint)\n        );\n    END IF;\n\n    IF NEW.cap_month > 0 AND NEW.month_leads >= NEW.cap_month AND (NEW.month_leads > OLD.month_leads OR NEW.counted_on IS DISTINCT FROM OLD.counted_on) THEN\n        began := date_trunc('month', NEW.counted_on::timestamp) AT TIME ZONE zone;\n        PERFORM distribution_emit(\n            'cap.reached', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_campaign WHERE id = NEW.campaign_id), NULL, NULL, NEW.campaign_id,\n            jsonb_build_object(\n                'period', 'month', 'period_starts_at', began, 'cap', NEW.cap_month, 'leads', NEW.month_leads\n            ),\n            format('cap:%s:%s:month:%s', NEW.campaign_id, NEW.buyer_id, extract(epoch FROM began)::bigint)\n        );\n    END IF;\n\n    RETURN NULL;\n",
                    hash="5156e3a92ac3629d2118f1bee6b950833e06abf3",
                    operation='UPDATE OF "counted_on", "hour_starts_at", "hour_leads", "day_leads", "week_leads", "month_leads"',
                    pgid="pgtrigger_event_of_cap_97ba8",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
    ]
