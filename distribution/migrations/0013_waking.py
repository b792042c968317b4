import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0012_buyer_key_scopes"),
        ("routing", "0020_waking"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_return",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'sold' AND NEW.state = 'returned')",
                    declare="DECLARE cause text; reasons text[];",
                    func="cause := 'sale_returned'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NEW.buyer_id, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="debf404ab37f15814144e9004dfd56d22eed3acd",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_wake_on_return_4d133",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyer",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE cause text; reasons text[];",
                    func="IF OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL THEN cause := 'buyer_resumed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.service_area IS DISTINCT FROM OLD.service_area THEN cause := 'area_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.answers IS DISTINCT FROM OLD.answers THEN cause := 'answers_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.hours IS DISTINCT FROM OLD.hours OR NEW.timezone IS DISTINCT FROM OLD.timezone THEN cause := 'hours_changed'; reasons := ARRAY['all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(\n        cause, b.workspace_id, NULL, b.id,\n        array_agg(c.vertical::text ORDER BY c.id), array_agg(c.source_id ORDER BY c.id), reasons\n    )\n    FROM distribution_buyer b\n    JOIN distribution_enrollment e ON e.buyer_id = b.id AND e.active AND e.archived_at IS NULL\n    JOIN distribution_campaign c ON c.id = e.campaign_id AND c.active\n    WHERE b.id = NEW.id AND b.paused_at IS NULL\n    GROUP BY b.id;\n    RETURN NULL;\n",
                    hash="818a5d28339c234550d8a581b749e8a8269f7004",
                    operation='UPDATE OF "paused_at", "service_area", "answers", "hours", "timezone"',
                    pgid="pgtrigger_wake_on_update_989dc",
                    table="distribution_buyer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.active)",
                    declare="DECLARE cause text; reasons text[];",
                    func="IF NEW.active AND NOT OLD.active THEN cause := 'campaign_resumed'; reasons := ARRAY['outside_campaign_hours', 'no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.vertical IS DISTINCT FROM OLD.vertical OR NEW.source_id IS DISTINCT FROM OLD.source_id OR NEW.priority IS DISTINCT FROM OLD.priority OR NEW.mode IS DISTINCT FROM OLD.mode THEN cause := 'campaign_changed'; reasons := ARRAY['outside_campaign_hours', 'no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.questions IS DISTINCT FROM OLD.questions THEN cause := 'answers_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.schedule IS DISTINCT FROM OLD.schedule OR NEW.timezone IS DISTINCT FROM OLD.timezone THEN cause := 'schedule_changed'; reasons := ARRAY['outside_campaign_hours', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.price_cents IS DISTINCT FROM OLD.price_cents OR NEW.price_rules IS DISTINCT FROM OLD.price_rules THEN cause := 'price_changed'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NULL, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.id AND c.active;\n    RETURN NULL;\n",
                    hash="b888dd743d398a3647e93d9b7442c06a542b2b6f",
                    operation='UPDATE OF "active", "vertical", "source_id", "priority", "mode", "questions", "schedule", "timezone", "price_cents", "price_rules"',
                    pgid="pgtrigger_wake_on_update_acaac",
                    table="distribution_campaign",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.active AND NEW.archived_at IS NULL)",
                    declare="DECLARE cause text; reasons text[];",
                    func="cause := 'buyer_enrolled'; reasons := ARRAY['no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NEW.buyer_id, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="c477796ea7994b0167a97b46b99493944b863944",
                    operation="INSERT",
                    pgid="pgtrigger_wake_on_insert_5d0a3",
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
                    func="IF NEW.active AND NOT OLD.active THEN cause := 'enrollment_resumed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.campaign_id IS DISTINCT FROM OLD.campaign_id OR NEW.buyer_id IS DISTINCT FROM OLD.buyer_id OR NEW.tier_id IS DISTINCT FROM OLD.tier_id THEN cause := 'buyer_enrolled'; reasons := ARRAY['no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.lead_filter IS DISTINCT FROM OLD.lead_filter THEN cause := 'filter_changed'; reasons := ARRAY['no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF (OLD.cap_hour IS NOT NULL AND (NEW.cap_hour IS NULL OR NEW.cap_hour > OLD.cap_hour)) OR (OLD.budget_hour_cents IS NOT NULL AND (NEW.budget_hour_cents IS NULL OR NEW.budget_hour_cents > OLD.budget_hour_cents)) OR (OLD.cap_day IS NOT NULL AND (NEW.cap_day IS NULL OR NEW.cap_day > OLD.cap_day)) OR (OLD.budget_day_cents IS NOT NULL AND (NEW.budget_day_cents IS NULL OR NEW.budget_day_cents > OLD.budget_day_cents)) OR (OLD.cap_week IS NOT NULL AND (NEW.cap_week IS NULL OR NEW.cap_week > OLD.cap_week)) OR (OLD.budget_week_cents IS NOT NULL AND (NEW.budget_week_cents IS NULL OR NEW.budget_week_cents > OLD.budget_week_cents)) OR (OLD.cap_month IS NOT NULL AND (NEW.cap_month IS NULL OR NEW.cap_month > OLD.cap_month)) OR (OLD.budget_month_cents IS NOT NULL AND (NEW.budget_month_cents IS NULL OR NEW.budget_month_cents > OLD.budget_month_cents)) THEN cause := 'cap_raised'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSIF NEW.bid_cents IS DISTINCT FROM OLD.bid_cents THEN cause := 'price_changed'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NEW.buyer_id, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="1a7cd96ad02413a69001658a59c03930fc7f9352",
                    operation='UPDATE OF "active", "campaign_id", "buyer_id", "tier_id", "lead_filter", "cap_hour", "budget_hour_cents", "cap_day", "budget_day_cents", "cap_week", "budget_week_cents", "cap_month", "budget_month_cents", "bid_cents"',
                    pgid="pgtrigger_wake_on_update_5dbbe",
                    table="distribution_enrollment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tier",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE cause text; reasons text[];",
                    func="IF NEW.content_filter IS DISTINCT FROM OLD.content_filter THEN cause := 'filter_changed'; reasons := ARRAY['no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.price_cents IS DISTINCT FROM OLD.price_cents THEN cause := 'price_changed'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NULL, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="1a4be9d96245b82b372ae575958663858ab65573",
                    operation='UPDATE OF "content_filter", "price_cents"',
                    pgid="pgtrigger_wake_on_update_53459",
                    table="distribution_tier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.balance_cents - NEW.held_cents + NEW.credit_limit_cents > OLD.balance_cents - OLD.held_cents + OLD.credit_limit_cents)",
                    declare="DECLARE cause text; reasons text[];",
                    func="cause := CASE WHEN NEW.credit_limit_cents > OLD.credit_limit_cents THEN 'credit_limit_raised' ELSE 'credits_added' END; reasons := ARRAY['insufficient_credits']; \n    PERFORM routing_wake(\n        cause, b.workspace_id, NULL, b.id,\n        array_agg(c.vertical::text ORDER BY c.id), array_agg(c.source_id ORDER BY c.id), reasons\n    )\n    FROM distribution_buyer b\n    JOIN distribution_enrollment e ON e.buyer_id = b.id AND e.active AND e.archived_at IS NULL\n    JOIN distribution_campaign c ON c.id = e.campaign_id AND c.active\n    WHERE b.id = NEW.buyer_id AND b.paused_at IS NULL\n    GROUP BY b.id;\n    RETURN NULL;\n",
                    hash="62ba1746692926884ddf4f4b402df4661f39d4a3",
                    operation='UPDATE OF "balance_cents", "held_cents", "credit_limit_cents"',
                    pgid="pgtrigger_wake_on_update_690e2",
                    table="distribution_wallet",
                    when="AFTER",
                ),
            ),
        ),
    ]
