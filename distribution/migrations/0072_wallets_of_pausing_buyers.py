"""Added credits wake leads for a buyer whose pause ends by itself, too."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0071_buyers_pause_enrollments")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="wallet",
            name="wake_on_update",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.balance_cents - NEW.held_cents + NEW.credit_limit_cents > OLD.balance_cents - OLD.held_cents + OLD.credit_limit_cents)",
                    declare="DECLARE cause text; reasons text[];",
                    func="cause := CASE WHEN NEW.credit_limit_cents > OLD.credit_limit_cents THEN 'credit_limit_raised' ELSE 'credits_added' END; reasons := ARRAY['insufficient_credits']; \n    PERFORM routing_wake(\n        cause, b.workspace_id, NULL, b.id,\n        array_agg(c.vertical::text ORDER BY c.id), array_agg(c.source_id ORDER BY c.id), reasons\n    )\n    FROM distribution_buyer b\n    JOIN distribution_enrollment e ON e.buyer_id = b.id AND e.active AND e.archived_at IS NULL\n    JOIN distribution_campaign c ON c.id = e.campaign_id AND c.active\n    JOIN distribution_tier t ON t.id = e.tier_id\n    WHERE b.id = NEW.buyer_id AND (b.paused_at IS NULL OR b.paused_until IS NOT NULL) AND (e.bid_cents IS NULL AND c.price_rules <> '[]' OR NEW.balance_cents - NEW.held_cents + NEW.credit_limit_cents >= COALESCE(e.bid_cents, t.price_cents, c.price_cents) AND OLD.balance_cents - OLD.held_cents + OLD.credit_limit_cents < COALESCE(e.bid_cents, t.price_cents, c.price_cents))\n    GROUP BY b.id;\n    RETURN NULL;\n",
                    hash="2d3bc3bfc20387a96eade67049935777e4c262ee",
                    operation='UPDATE OF "balance_cents", "held_cents", "credit_limit_cents"',
                    pgid="pgtrigger_wake_on_update_690e2",
                    table="distribution_wallet",
                    when="AFTER",
                ),
            ),
        ),
    ]
