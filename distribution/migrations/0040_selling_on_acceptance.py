"""Campaigns that sell only when the buyer's system accepts. Instant on a table of any size."""

import django.core.validators
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0039_holds"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="own_version",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="wake_on_update",
        ),
        migrations.AddField(
            model_name="campaign",
            name="post_deadline_seconds",
            field=models.PositiveIntegerField(
                db_default=60,
                default=60,
                help_text="Seconds after the first buyer's system was asked in which a further buyer may be asked. Used only if the campaign sells on acceptance.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3600),
                ],
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="sells_on",
            field=models.CharField(
                choices=[
                    ("decision", "decision: the buyer is charged at once, and gets the lead"),
                    ("acceptance", "acceptance: the buyer is charged when its system accepts the lead"),
                ],
                db_default="decision",
                default="decision",
                help_text="Acceptance: the price is held while the buyer's system is asked. If it rejects the lead, the next buyer is asked at once. A sale by hand is always charged at once.",
                max_length=10,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="own_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF (ROW(OLD.active, OLD.mode, OLD.vertical, OLD.source_id, OLD.priority, OLD.price_cents, OLD.price_rules, OLD.max_buyers, OLD.sells_on, OLD.post_deadline_seconds, OLD.timezone, OLD.schedule, OLD.questions) IS DISTINCT FROM ROW(NEW.active, NEW.mode, NEW.vertical, NEW.source_id, NEW.priority, NEW.price_cents, NEW.price_rules, NEW.max_buyers, NEW.sells_on, NEW.post_deadline_seconds, NEW.timezone, NEW.schedule, NEW.questions)) THEN\n                NEW.config_version := OLD.config_version + 1;\n            ELSIF NEW.config_version < OLD.config_version THEN\n                NEW.config_version := OLD.config_version;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="ec96481d05b0fc15475863f5d97d38b5a2b160f4",
                    operation="UPDATE",
                    pgid="pgtrigger_own_version_c25a4",
                    table="distribution_campaign",
                    when="BEFORE",
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
                    func="IF NEW.active AND NOT OLD.active THEN cause := 'campaign_resumed'; reasons := ARRAY['outside_campaign_hours', 'no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.vertical IS DISTINCT FROM OLD.vertical OR NEW.source_id IS DISTINCT FROM OLD.source_id OR NEW.priority IS DISTINCT FROM OLD.priority OR NEW.mode IS DISTINCT FROM OLD.mode THEN cause := 'campaign_changed'; reasons := ARRAY['outside_campaign_hours', 'no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.questions IS DISTINCT FROM OLD.questions THEN cause := 'answers_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.schedule IS DISTINCT FROM OLD.schedule OR NEW.timezone IS DISTINCT FROM OLD.timezone THEN cause := 'schedule_changed'; reasons := ARRAY['outside_campaign_hours', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.price_cents IS DISTINCT FROM OLD.price_cents OR NEW.price_rules IS DISTINCT FROM OLD.price_rules THEN cause := 'price_changed'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSIF NEW.sells_on IS DISTINCT FROM OLD.sells_on OR NEW.post_deadline_seconds IS DISTINCT FROM OLD.post_deadline_seconds THEN cause := 'campaign_changed'; reasons := ARRAY['post_deadline_passed']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NULL, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.id AND c.active;\n    RETURN NULL;\n",
                    hash="e1e7858f0aca9093d7bb8a9f7e183f7ed4a84c90",
                    operation='UPDATE OF "active", "vertical", "source_id", "priority", "mode", "questions", "schedule", "timezone", "price_cents", "price_rules", "sells_on", "post_deadline_seconds"',
                    pgid="pgtrigger_wake_on_update_acaac",
                    table="distribution_campaign",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("post_deadline_seconds__gte", 1), ("post_deadline_seconds__lte", 3600)),
                name="campaign_post_deadline_in_range",
            ),
        ),
    ]
