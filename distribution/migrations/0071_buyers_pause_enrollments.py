"""Adds the pause that a buyer gives one of its enrollments."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0070_buyers_pause_themselves")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="version_on_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="wake_on_update",
        ),
        migrations.AddField(
            model_name="enrollment",
            name="paused_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="The buyer paused its leads from this campaign. Active is the agency's own switch.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="paused_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the buyer's pause ends by itself. Blank: when the buyer resumes.",
                null=True,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (ROW(OLD.campaign_id, OLD.tier_id, OLD.buyer_id, OLD.active, OLD.weight, OLD.priority, OLD.bid_cents, OLD.lead_filter, OLD.cap_hour, OLD.cap_day, OLD.cap_week, OLD.cap_month, OLD.budget_hour_cents, OLD.budget_day_cents, OLD.budget_week_cents, OLD.budget_month_cents, OLD.paused_at, OLD.paused_until, OLD.archived_at) IS DISTINCT FROM ROW(NEW.campaign_id, NEW.tier_id, NEW.buyer_id, NEW.active, NEW.weight, NEW.priority, NEW.bid_cents, NEW.lead_filter, NEW.cap_hour, NEW.cap_day, NEW.cap_week, NEW.cap_month, NEW.budget_hour_cents, NEW.budget_day_cents, NEW.budget_week_cents, NEW.budget_month_cents, NEW.paused_at, NEW.paused_until, NEW.archived_at)) THEN UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id IN (OLD.campaign_id, NEW.campaign_id); END IF; RETURN NULL;",
                    hash="b37a2fc1b3d03815af54ba19186ceb9b6354ae4e",
                    operation='UPDATE OF "campaign_id", "tier_id", "buyer_id", "active", "weight", "priority", "bid_cents", "lead_filter", "cap_hour", "cap_day", "cap_week", "cap_month", "budget_hour_cents", "budget_day_cents", "budget_week_cents", "budget_month_cents", "paused_at", "paused_until", "archived_at"',
                    pgid="pgtrigger_version_on_update_ba642",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.active AND NEW.archived_at IS NULL)",
                    declare="DECLARE cause text; reasons text[];",
                    func="IF NEW.active AND NOT OLD.active OR OLD.paused_at IS NOT NULL AND (NEW.paused_at IS NULL OR NEW.paused_until IS NOT NULL AND (OLD.paused_until IS NULL OR NEW.paused_until < OLD.paused_until)) THEN cause := 'enrollment_resumed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.campaign_id IS DISTINCT FROM OLD.campaign_id OR NEW.buyer_id IS DISTINCT FROM OLD.buyer_id OR NEW.tier_id IS DISTINCT FROM OLD.tier_id THEN cause := 'buyer_enrolled'; reasons := ARRAY['no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.lead_filter IS DISTINCT FROM OLD.lead_filter THEN cause := 'filter_changed'; reasons := ARRAY['no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF (OLD.cap_hour IS NOT NULL AND (NEW.cap_hour IS NULL OR NEW.cap_hour > OLD.cap_hour)) OR (OLD.budget_hour_cents IS NOT NULL AND (NEW.budget_hour_cents IS NULL OR NEW.budget_hour_cents > OLD.budget_hour_cents)) OR (OLD.cap_day IS NOT NULL AND (NEW.cap_day IS NULL OR NEW.cap_day > OLD.cap_day)) OR (OLD.budget_day_cents IS NOT NULL AND (NEW.budget_day_cents IS NULL OR NEW.budget_day_cents > OLD.budget_day_cents)) OR (OLD.cap_week IS NOT NULL AND (NEW.cap_week IS NULL OR NEW.cap_week > OLD.cap_week)) OR (OLD.budget_week_cents IS NOT NULL AND (NEW.budget_week_cents IS NULL OR NEW.budget_week_cents > OLD.budget_week_cents)) OR (OLD.cap_month IS NOT NULL AND (NEW.cap_month IS NULL OR NEW.cap_month > OLD.cap_month)) OR (OLD.budget_month_cents IS NOT NULL AND (NEW.budget_month_cents IS NULL OR NEW.budget_month_cents > OLD.budget_month_cents)) THEN cause := 'cap_raised'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSIF NEW.bid_cents IS DISTINCT FROM OLD.bid_cents THEN cause := 'price_changed'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NEW.buyer_id, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="9745ec38661fce673d6d1c82667cd03d35cd721e",
                    operation='UPDATE OF "active", "campaign_id", "buyer_id", "tier_id", "lead_filter", "cap_hour", "budget_hour_cents", "cap_day", "budget_day_cents", "cap_week", "budget_week_cents", "cap_month", "budget_month_cents", "bid_cents", "paused_at", "paused_until"',
                    pgid="pgtrigger_wake_on_update_5dbbe",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="enrollment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("paused_until__isnull", True),
                    models.Q(("paused_at__isnull", False), ("paused_until__gt", models.F("paused_at"))),
                    _connector="OR",
                ),
                name="enrollment_paused_until_after_start",
            ),
        ),
    ]
