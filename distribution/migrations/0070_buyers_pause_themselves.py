"""Adds the end of a buyer's pause, whether it paused itself, and whom its agency asks."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import distribution.configuration.checks


class Migration(migrations.Migration):
    dependencies = [("distribution", "0069_scopes_of_writing_buyer_keys")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="buyer",
            name="version_on_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="buyer",
            name="wake_on_update",
        ),
        migrations.AddField(
            model_name="buyer",
            name="contact_email",
            field=models.EmailField(
                blank=True,
                db_default="",
                default="",
                help_text="The email address of this person.",
                max_length=254,
                verbose_name="contact email",
            ),
        ),
        migrations.AddField(
            model_name="buyer",
            name="contact_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Whom the agency asks at this company.",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="buyer",
            name="contact_phone",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The phone number of this person, e.g. +1 404 555 0142.",
                max_length=40,
                validators=[distribution.configuration.checks.check_phone],
            ),
        ),
        migrations.AddField(
            model_name="buyer",
            name="is_paused_by_buyer",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="The buyer paused itself. It can resume itself only then.",
                verbose_name="paused by itself",
            ),
        ),
        migrations.AddField(
            model_name="buyer",
            name="paused_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the pause ends by itself. Blank: when somebody resumes the buyer.",
                null=True,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyer",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF (ROW(OLD.timezone, OLD.service_area, OLD.answers, OLD.hours, OLD.paused_at, OLD.paused_until, OLD.is_paused_by_buyer) IS DISTINCT FROM ROW(NEW.timezone, NEW.service_area, NEW.answers, NEW.hours, NEW.paused_at, NEW.paused_until, NEW.is_paused_by_buyer)) THEN\n                PERFORM 1 FROM distribution_campaign\n                WHERE id IN (SELECT campaign_id FROM distribution_enrollment WHERE buyer_id = NEW.id)\n                ORDER BY id FOR NO KEY UPDATE;\n                UPDATE distribution_campaign SET config_version = config_version + 1\n                WHERE id IN (SELECT campaign_id FROM distribution_enrollment WHERE buyer_id = NEW.id);\n            END IF;\n            RETURN NULL;\n        ",
                    hash="48b14a70cc2b469696a271c03248f7215e3ffe9f",
                    operation='UPDATE OF "timezone", "service_area", "answers", "hours", "paused_at", "paused_until", "is_paused_by_buyer"',
                    pgid="pgtrigger_version_on_update_de8dc",
                    table="distribution_buyer",
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
                    func="IF OLD.paused_at IS NOT NULL AND (NEW.paused_at IS NULL OR NEW.paused_until IS NOT NULL AND (OLD.paused_until IS NULL OR NEW.paused_until < OLD.paused_until)) THEN cause := 'buyer_resumed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.service_area IS DISTINCT FROM OLD.service_area THEN cause := 'area_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.answers IS DISTINCT FROM OLD.answers THEN cause := 'answers_changed'; reasons := ARRAY['no_eligible_buyers', 'no_eligible_buyers_after_tier_filters', 'all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSIF NEW.hours IS DISTINCT FROM OLD.hours OR NEW.timezone IS DISTINCT FROM OLD.timezone THEN cause := 'hours_changed'; reasons := ARRAY['all_buyers_outside_hours', 'all_buyers_capped', 'insufficient_credits']; ELSE RETURN NULL; END IF; \n    PERFORM routing_wake(\n        cause, b.workspace_id, NULL, b.id,\n        array_agg(c.vertical::text ORDER BY c.id), array_agg(c.source_id ORDER BY c.id), reasons\n    )\n    FROM distribution_buyer b\n    JOIN distribution_enrollment e ON e.buyer_id = b.id AND e.active AND e.archived_at IS NULL\n    JOIN distribution_campaign c ON c.id = e.campaign_id AND c.active\n    JOIN distribution_tier t ON t.id = e.tier_id\n    WHERE b.id = NEW.id AND (b.paused_at IS NULL OR b.paused_until IS NOT NULL)\n    GROUP BY b.id;\n    RETURN NULL;\n",
                    hash="4ca130aa93e40e5edd31e5377a1d835e202287f1",
                    operation='UPDATE OF "paused_at", "paused_until", "service_area", "answers", "hours", "timezone"',
                    pgid="pgtrigger_wake_on_update_989dc",
                    table="distribution_buyer",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="buyer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("paused_until__isnull", True),
                    models.Q(("paused_at__isnull", False), ("paused_until__gt", models.F("paused_at"))),
                    _connector="OR",
                ),
                name="buyer_paused_until_after_start",
            ),
        ),
        AddConstraintNotValid(
            model_name="buyer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_paused_by_buyer", False), ("paused_at__isnull", False), _connector="OR"
                ),
                name="buyer_paused_by_itself_is_paused",
            ),
        ),
    ]
