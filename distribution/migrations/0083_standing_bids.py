"""Standing bids of enrollments. Instant on a table of any size."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import distribution.configuration.checks


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0082_offers_validated"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="version_on_update",
        ),
        migrations.AddField(
            model_name="enrollment",
            name="standing_bids",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text='What this buyer bids in auctions without being asked: the first rule that the lead meets, e.g. [{"when": {"field": "state", "op": "eq", "value": "GA"}, "bid_cents": 4500}]. Otherwise the bid above. Empty: the bid above for every lead.',
                validators=[distribution.configuration.checks.check_standing_bids],
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (ROW(OLD.campaign_id, OLD.tier_id, OLD.buyer_id, OLD.active, OLD.weight, OLD.priority, OLD.bid_cents, OLD.margin_bps, OLD.standing_bids, OLD.lead_filter, OLD.cap_hour, OLD.cap_day, OLD.cap_week, OLD.cap_month, OLD.budget_hour_cents, OLD.budget_day_cents, OLD.budget_week_cents, OLD.budget_month_cents, OLD.paused_at, OLD.paused_until, OLD.archived_at) IS DISTINCT FROM ROW(NEW.campaign_id, NEW.tier_id, NEW.buyer_id, NEW.active, NEW.weight, NEW.priority, NEW.bid_cents, NEW.margin_bps, NEW.standing_bids, NEW.lead_filter, NEW.cap_hour, NEW.cap_day, NEW.cap_week, NEW.cap_month, NEW.budget_hour_cents, NEW.budget_day_cents, NEW.budget_week_cents, NEW.budget_month_cents, NEW.paused_at, NEW.paused_until, NEW.archived_at)) THEN UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id IN (OLD.campaign_id, NEW.campaign_id); END IF; RETURN NULL;",
                    hash="44894fbdf3a4610d9a5b79902ac32e4fc1d9a19d",
                    operation='UPDATE OF "campaign_id", "tier_id", "buyer_id", "active", "weight", "priority", "bid_cents", "margin_bps", "standing_bids", "lead_filter", "cap_hour", "cap_day", "cap_week", "cap_month", "budget_hour_cents", "budget_day_cents", "budget_week_cents", "budget_month_cents", "paused_at", "paused_until", "archived_at"',
                    pgid="pgtrigger_version_on_update_ba642",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
    ]
