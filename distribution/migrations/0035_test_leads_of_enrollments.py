"""A new enrollment does not count test sales."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0034_test_leads"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="continue_counters",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="continue_counters",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE former distribution_enrollment%ROWTYPE; latest date; hour_at timestamptz; week_on date; month_on date;",
                    func="\n    IF TG_OP = 'UPDATE' THEN\n        IF NEW.campaign_id = OLD.campaign_id AND NEW.buyer_id = OLD.buyer_id\n            AND (OLD.archived_at IS NULL OR NEW.archived_at IS NOT NULL) THEN\n            RETURN NEW;\n        END IF;\n        NEW.counted_on := NULL; NEW.hour_starts_at := NULL;\n        NEW.hour_leads := 0; NEW.day_leads := 0; NEW.week_leads := 0; NEW.month_leads := 0;\n        NEW.hour_spent_cents := 0; NEW.day_spent_cents := 0; NEW.week_spent_cents := 0; NEW.month_spent_cents := 0;\n    END IF;\n    FOR former IN\n        SELECT * FROM distribution_enrollment\n        WHERE campaign_id = NEW.campaign_id AND buyer_id = NEW.buyer_id AND id <> NEW.id\n        ORDER BY id FOR NO KEY UPDATE\n    LOOP\n        NEW.last_assigned_at := former.last_assigned_at; NEW.virtual_finish := former.virtual_finish;\n    END LOOP;\n    SELECT max(a.counted_on), date_trunc('hour', max(a.created_at), b.timezone) INTO latest, hour_at\n    FROM distribution_assignment a JOIN distribution_buyer b ON b.id = a.buyer_id\n    WHERE a.buyer_id = NEW.buyer_id AND a.campaign_id = NEW.campaign_id AND NOT a.is_test\n    GROUP BY b.id;\n    IF latest IS NULL THEN\n        RETURN NEW;\n    END IF;\n    week_on := date_trunc('week', latest);\n    month_on := date_trunc('month', latest);\n    NEW.hour_starts_at := hour_at;\n    SELECT latest,\n        count(*) FILTER (WHERE created_at >= hour_at),\n        COALESCE(sum(price_cents) FILTER (WHERE created_at >= hour_at), 0),\n        count(*) FILTER (WHERE counted_on = latest),\n        COALESCE(sum(price_cents) FILTER (WHERE counted_on = latest), 0),\n        count(*) FILTER (WHERE counted_on >= week_on),\n        COALESCE(sum(price_cents) FILTER (WHERE counted_on >= week_on), 0),\n        count(*) FILTER (WHERE counted_on >= month_on),\n        COALESCE(sum(price_cents) FILTER (WHERE counted_on >= month_on), 0)\n    INTO NEW.counted_on, NEW.hour_leads, NEW.hour_spent_cents, NEW.day_leads, NEW.day_spent_cents,\n        NEW.week_leads, NEW.week_spent_cents, NEW.month_leads, NEW.month_spent_cents\n    FROM distribution_assignment\n    WHERE buyer_id = NEW.buyer_id AND campaign_id = NEW.campaign_id AND is_counted\n        AND counted_on >= LEAST(week_on, month_on);\n    RETURN NEW;\n",
                    hash="08abc80de1942eeb46f0767cfc804a6588128b10",
                    operation='INSERT OR UPDATE OF "campaign_id", "buyer_id", "archived_at"',
                    pgid="pgtrigger_continue_counters_c96d5",
                    table="distribution_enrollment",
                    when="BEFORE",
                ),
            ),
        ),
    ]
