"""The agency's margin on one buyer's bids."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0078_offers_of_tiers"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="version_on_update",
        ),
        migrations.AddField(
            model_name="enrollment",
            name="margin_bps",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="The agency's margin on this buyer's bids in auctions, in hundredths of a percent. Blank: the campaign's.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(9000)],
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (ROW(OLD.campaign_id, OLD.tier_id, OLD.buyer_id, OLD.active, OLD.weight, OLD.priority, OLD.bid_cents, OLD.margin_bps, OLD.lead_filter, OLD.cap_hour, OLD.cap_day, OLD.cap_week, OLD.cap_month, OLD.budget_hour_cents, OLD.budget_day_cents, OLD.budget_week_cents, OLD.budget_month_cents, OLD.paused_at, OLD.paused_until, OLD.archived_at) IS DISTINCT FROM ROW(NEW.campaign_id, NEW.tier_id, NEW.buyer_id, NEW.active, NEW.weight, NEW.priority, NEW.bid_cents, NEW.margin_bps, NEW.lead_filter, NEW.cap_hour, NEW.cap_day, NEW.cap_week, NEW.cap_month, NEW.budget_hour_cents, NEW.budget_day_cents, NEW.budget_week_cents, NEW.budget_month_cents, NEW.paused_at, NEW.paused_until, NEW.archived_at)) THEN UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id IN (OLD.campaign_id, NEW.campaign_id); END IF; RETURN NULL;",
                    hash="ac34df786d2bb0071ffe92231e268d50d6cb4a6a",
                    operation='UPDATE OF "campaign_id", "tier_id", "buyer_id", "active", "weight", "priority", "bid_cents", "margin_bps", "lead_filter", "cap_hour", "cap_day", "cap_week", "cap_month", "budget_hour_cents", "budget_day_cents", "budget_week_cents", "budget_month_cents", "paused_at", "paused_until", "archived_at"',
                    pgid="pgtrigger_version_on_update_ba642",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="enrollment",
            constraint=models.CheckConstraint(
                condition=models.Q(("margin_bps__lte", 9000)), name="enrollment_margin_in_range"
            ),
        ),
    ]
