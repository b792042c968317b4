"""How long after an offer opens the buyers of a tier see it."""

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
        ("distribution", "0077_offers_of_campaigns"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="tier",
            name="version_on_update",
        ),
        migrations.AddField(
            model_name="tier",
            name="head_start_seconds",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Ping post: seconds after an offer opens until buyers in this tier see it. Earlier tiers have that head start. 0: at once.",
                validators=[django.core.validators.MaxValueValidator(3600)],
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tier",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (ROW(OLD.campaign_id, OLD.position, OLD.content_filter, OLD.price_cents, OLD.head_start_seconds) IS DISTINCT FROM ROW(NEW.campaign_id, NEW.position, NEW.content_filter, NEW.price_cents, NEW.head_start_seconds)) THEN UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id IN (OLD.campaign_id, NEW.campaign_id); END IF; RETURN NULL;",
                    hash="da91d9de7e00f14c59e4c5629db8d2c4be6fa638",
                    operation='UPDATE OF "campaign_id", "position", "content_filter", "price_cents", "head_start_seconds"',
                    pgid="pgtrigger_version_on_update_4569e",
                    table="distribution_tier",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(("head_start_seconds__lte", 3600)), name="tier_head_start_in_range"
            ),
        ),
    ]
