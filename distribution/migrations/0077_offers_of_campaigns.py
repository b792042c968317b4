"""How a campaign offers leads before it sells them. Instant on a table of any size."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import distribution.configuration.offer_fields


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0076_approvals_of_changes"),
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
            name="bid_deadline_ms",
            field=models.PositiveIntegerField(
                db_default=1000,
                default=1000,
                help_text="Milliseconds in which buyers' systems can bid. Used only if the mode is auction.",
                validators=[
                    django.core.validators.MinValueValidator(100),
                    django.core.validators.MaxValueValidator(10000),
                ],
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="fallback_mode",
            field=models.CharField(
                choices=[
                    ("round_robin", "round robin: the buyer that has waited longest"),
                    ("weighted", "weighted: in proportion to the weights, spread evenly"),
                    ("priority", "priority: highest first"),
                    ("price", "price: highest price first"),
                ],
                db_default="round_robin",
                default="round_robin",
                help_text="Which buyer in a tier is first when a lead that nobody claimed is pushed.",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="margin_bps",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="The agency's margin, in hundredths of a percent of a bid. Bids rank by what is left. Used only if the mode is auction.",
                validators=[django.core.validators.MaxValueValidator(9000)],
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="offer_fallback",
            field=models.CharField(
                choices=[
                    ("push", "push: the lead is sold at once to the buyer that ranks first"),
                    ("next_campaign", "next campaign: the next campaign that takes the lead"),
                    ("unsold", "unsold: the lead is not sold, and a person decides"),
                ],
                db_default="push",
                default="push",
                help_text="What happens to a lead that nobody claims.",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="offer_fields",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=100),
                blank=True,
                db_default=[],
                default=list,
                help_text="What buyers see of a lead before they claim it: zip, zip3 (its first three digits), city, county, state, country, vertical and attributes, e.g. zip3, state, attributes.roof_age. Contact data is never shown.",
                size=None,
                validators=[distribution.configuration.offer_fields.check_offer_fields],
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="offer_seconds",
            field=models.PositiveIntegerField(
                db_default=60,
                default=60,
                help_text="Seconds in which buyers can claim a lead. Used only if the mode is ping post.",
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(3600),
                ],
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="penalizes_returns",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Bids of buyers that return many leads rank lower. Used only if the mode is auction.",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="reserve_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The lowest bid that wins. Blank: any bid. Used only if the mode is auction.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(10000000)],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="mode",
            field=models.CharField(
                choices=[
                    ("round_robin", "round robin: the buyer that has waited longest"),
                    ("weighted", "weighted: in proportion to the weights, spread evenly"),
                    ("priority", "priority: highest first"),
                    ("price", "price: highest price first"),
                    (
                        "ping_post",
                        "ping post: buyers are shown the lead without contact data, and the first claim gets it",
                    ),
                    ("auction", "auction: buyers bid for the lead, and the best bid gets it"),
                ],
                default="round_robin",
                help_text="Which buyer in a tier is offered a lead first. Weight, priority and bid are set on each enrollment.",
                max_length=20,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="own_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF (ROW(OLD.active, OLD.mode, OLD.vertical, OLD.source_id, OLD.priority, OLD.price_cents, OLD.price_rules, OLD.max_buyers, OLD.sells_on, OLD.post_deadline_seconds, OLD.offer_seconds, OLD.offer_fields, OLD.offer_fallback, OLD.fallback_mode, OLD.bid_deadline_ms, OLD.reserve_cents, OLD.margin_bps, OLD.penalizes_returns, OLD.timezone, OLD.schedule, OLD.questions) IS DISTINCT FROM ROW(NEW.active, NEW.mode, NEW.vertical, NEW.source_id, NEW.priority, NEW.price_cents, NEW.price_rules, NEW.max_buyers, NEW.sells_on, NEW.post_deadline_seconds, NEW.offer_seconds, NEW.offer_fields, NEW.offer_fallback, NEW.fallback_mode, NEW.bid_deadline_ms, NEW.reserve_cents, NEW.margin_bps, NEW.penalizes_returns, NEW.timezone, NEW.schedule, NEW.questions)) THEN\n                NEW.config_version := OLD.config_version + 1;\n            ELSIF NEW.config_version < OLD.config_version THEN\n                NEW.config_version := OLD.config_version;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="db7a6e25a52a80b3f0af0dd48e1af992ed3d5920",
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
                    func="IF NEW.active AND NOT OLD.active THEN cause := 'campaign_resumed'; reasons := ARRAY['outside_campaign_hours', 'no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.vertical IS DISTINCT FROM OLD.vertical OR NEW.source_id IS DISTINCT FROM OLD.source_id OR NEW.priority IS DISTINCT FROM OLD.priority OR NEW.mode IS DISTINCT FROM OLD.mode THEN cause := 'campaign_changed'; reasons := ARRAY['outside_campaign_hours', 'no_enrolled_buyers', 'no_campaign', 'no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits', 'offer_unclaimed']; ELSIF NEW.questions IS DISTINCT FROM OLD.questions THEN cause := 'answers_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.schedule IS DISTINCT FROM OLD.schedule OR NEW.timezone IS DISTINCT FROM OLD.timezone THEN cause := 'schedule_changed'; reasons := ARRAY['outside_campaign_hours', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.price_cents IS DISTINCT FROM OLD.price_cents OR NEW.price_rules IS DISTINCT FROM OLD.price_rules THEN cause := 'price_changed'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; ELSIF NEW.sells_on IS DISTINCT FROM OLD.sells_on OR NEW.post_deadline_seconds IS DISTINCT FROM OLD.post_deadline_seconds THEN cause := 'campaign_changed'; reasons := ARRAY['post_deadline_passed']; ELSIF NEW.offer_fallback IS DISTINCT FROM OLD.offer_fallback OR NEW.fallback_mode IS DISTINCT FROM OLD.fallback_mode THEN cause := 'campaign_changed'; reasons := ARRAY['offer_unclaimed']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NULL, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.id AND c.active;\n    RETURN NULL;\n",
                    hash="60a1224820ddc8448e7762c3eee351c3e2c24ef3",
                    operation='UPDATE OF "active", "vertical", "source_id", "priority", "mode", "questions", "schedule", "timezone", "price_cents", "price_rules", "sells_on", "post_deadline_seconds", "offer_fallback", "fallback_mode"',
                    pgid="pgtrigger_wake_on_update_acaac",
                    table="distribution_campaign",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bid_deadline_ms__gte", 100),
                    ("bid_deadline_ms__lte", 10000),
                    ("margin_bps__lte", 9000),
                    ("offer_seconds__gte", 5),
                    ("offer_seconds__lte", 3600),
                    models.Q(
                        ("reserve_cents__isnull", True), ("reserve_cents__lte", 10000000), _connector="OR"
                    ),
                ),
                name="campaign_offers_in_range",
            ),
        ),
    ]
