import django.db.models.deletion
import django.db.models.manager
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# The release before knows no archived enrollments: left here, they would buy again. Their sales go to the enrollment
# that counts them, or to none, as that release leaves the sales of a deleted one.
FORGET_ARCHIVED = """
UPDATE distribution_assignment a SET enrollment_id = live.id
FROM distribution_enrollment e
LEFT JOIN distribution_enrollment live
    ON live.campaign_id = e.campaign_id AND live.buyer_id = e.buyer_id AND live.archived_at IS NULL
WHERE e.id = a.enrollment_id AND e.archived_at IS NOT NULL;
DELETE FROM distribution_enrollment WHERE archived_at IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE
"""


class Migration(migrations.Migration):
    """Caps and budgets by the buyer's calendar date; enrollments with sales are archived. 0007 fills, 0008 closes.

    Stop web, workers and dispatcher while 0006 to 0008 run: the release before counts by instants.
    """

    dependencies = [
        ("distribution", "0005_ledger_lists"),
        ("routing", "0010_dispatch_words"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="enrollment",
            options={"base_manager_name": "everything"},
        ),
        migrations.AlterModelManagers(
            name="enrollment",
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("everything", django.db.models.manager.Manager()),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="version_on_update",
        ),
        migrations.RemoveConstraint(
            model_name="enrollment",
            name="enrollment_campaign_buyer_unique",
        ),
        migrations.AddField(
            model_name="assignment",
            name="counted_on",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="assignment",
            name="is_counted",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="archived_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="counted_on",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="enrollment",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="assignments",
                to="distribution.enrollment",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, FORGET_ARCHIVED),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="count_by_date",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."counted_on" IS NULL)',
                    func="\n            SELECT (COALESCE(NEW.created_at, clock_timestamp()) AT TIME ZONE timezone)::date INTO NEW.counted_on\n            FROM distribution_buyer WHERE id = NEW.buyer_id;\n            RETURN NEW;\n        ",
                    hash="097d38484be5fdcbc9c04831f2b69e6170ae41b2",
                    operation="INSERT",
                    pgid="pgtrigger_count_by_date_277e3",
                    table="distribution_assignment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (ROW(OLD.campaign_id, OLD.tier_id, OLD.buyer_id, OLD.active, OLD.weight, OLD.priority, OLD.bid_cents, OLD.lead_filter, OLD.cap_hour, OLD.cap_day, OLD.cap_week, OLD.cap_month, OLD.budget_hour_cents, OLD.budget_day_cents, OLD.budget_week_cents, OLD.budget_month_cents, OLD.archived_at) IS DISTINCT FROM ROW(NEW.campaign_id, NEW.tier_id, NEW.buyer_id, NEW.active, NEW.weight, NEW.priority, NEW.bid_cents, NEW.lead_filter, NEW.cap_hour, NEW.cap_day, NEW.cap_week, NEW.cap_month, NEW.budget_hour_cents, NEW.budget_day_cents, NEW.budget_week_cents, NEW.budget_month_cents, NEW.archived_at)) THEN UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id IN (OLD.campaign_id, NEW.campaign_id); END IF; RETURN NULL;",
                    hash="cfd995507ccfd4f0395096278875d3721c715d5e",
                    operation='UPDATE OF "campaign_id", "tier_id", "buyer_id", "active", "weight", "priority", "bid_cents", "lead_filter", "cap_hour", "cap_day", "cap_week", "cap_month", "budget_hour_cents", "budget_day_cents", "budget_week_cents", "budget_month_cents", "archived_at"',
                    pgid="pgtrigger_version_on_update_ba642",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="archive_with_sales",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF EXISTS (SELECT 1 FROM distribution_assignment WHERE enrollment_id = OLD.id) THEN\n                UPDATE distribution_enrollment SET archived_at = clock_timestamp()\n                WHERE id = OLD.id AND archived_at IS NULL;\n                RETURN NULL;\n            END IF;\n            RETURN OLD;\n        ",
                    hash="3074900a5134a5e29e02c1a41d252930aa87922b",
                    operation="DELETE",
                    pgid="pgtrigger_archive_with_sales_1bd2c",
                    table="distribution_enrollment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="continue_counters",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE former distribution_enrollment%ROWTYPE; latest date; week_on date; month_on date;",
                    func="\n    IF TG_OP = 'UPDATE' THEN\n        IF NEW.campaign_id = OLD.campaign_id AND NEW.buyer_id = OLD.buyer_id THEN\n            RETURN NEW;\n        END IF;\n        NEW.counted_on := NULL; NEW.hour_starts_at := NULL;\n        NEW.hour_leads := 0; NEW.day_leads := 0; NEW.week_leads := 0; NEW.month_leads := 0;\n        NEW.hour_spent_cents := 0; NEW.day_spent_cents := 0; NEW.week_spent_cents := 0; NEW.month_spent_cents := 0;\n    END IF;\n    FOR former IN\n        SELECT * FROM distribution_enrollment\n        WHERE campaign_id = NEW.campaign_id AND buyer_id = NEW.buyer_id AND id <> NEW.id\n        ORDER BY id FOR NO KEY UPDATE\n    LOOP\n        NEW.last_assigned_at := former.last_assigned_at; NEW.virtual_finish := former.virtual_finish;\n        NEW.hour_starts_at := former.hour_starts_at;\n        NEW.hour_leads := former.hour_leads; NEW.hour_spent_cents := former.hour_spent_cents;\n    END LOOP;\n    SELECT max(counted_on) INTO latest FROM distribution_assignment\n    WHERE buyer_id = NEW.buyer_id AND campaign_id = NEW.campaign_id;\n    IF latest IS NULL THEN\n        RETURN NEW;\n    END IF;\n    week_on := date_trunc('week', latest);\n    month_on := date_trunc('month', latest);\n    SELECT latest,\n        count(*) FILTER (WHERE counted_on = latest),\n        COALESCE(sum(price_cents) FILTER (WHERE counted_on = latest), 0),\n        count(*) FILTER (WHERE counted_on >= week_on),\n        COALESCE(sum(price_cents) FILTER (WHERE counted_on >= week_on), 0),\n        count(*) FILTER (WHERE counted_on >= month_on),\n        COALESCE(sum(price_cents) FILTER (WHERE counted_on >= month_on), 0)\n    INTO NEW.counted_on, NEW.day_leads, NEW.day_spent_cents, NEW.week_leads, NEW.week_spent_cents,\n        NEW.month_leads, NEW.month_spent_cents\n    FROM distribution_assignment\n    WHERE buyer_id = NEW.buyer_id AND campaign_id = NEW.campaign_id AND is_counted\n        AND counted_on >= LEAST(week_on, month_on);\n    RETURN NEW;\n",
                    hash="e3fb50ac82cf0ec84de5c3b746e6bbfacfb7a5f4",
                    operation='INSERT OR UPDATE OF "campaign_id", "buyer_id"',
                    pgid="pgtrigger_continue_counters_c96d5",
                    table="distribution_enrollment",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("archived_at__isnull", True)),
                fields=("campaign", "buyer"),
                name="enrollment_live_campaign_buyer_unique",
                violation_error_message="This buyer is enrolled in this campaign already.",
            ),
        ),
    ]
