"""Adds the heartbeats of dialers, and wakes dialers when a channel or an account changes. Reversed, both go."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0114_channels_wake_verifications"),
        ("routing", "0061_verified_leads_checked"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dialer",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "db_table": "distribution_dialer",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="carrieraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_enabled AND NEW.stopped_at IS NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="19c69d84c1810d46a4856c775a764cd9b6b32c7f",
                    operation='UPDATE OF "is_enabled", "stopped_at", "calls_per_second"',
                    pgid="pgtrigger_notify_on_update_f7441",
                    table="distribution_carrieraccount",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_enabled)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="163415848dda049d16f6e1499bd825f3c2515552",
                    operation="INSERT",
                    pgid="pgtrigger_notify_on_insert_81b19",
                    table="distribution_channel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_enabled AND NEW.flagged_at IS NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="8b31054698119c9302286cce16f3aeda42626cb4",
                    operation='UPDATE OF "is_enabled", "flagged_at", "account_id", "lines", "hours", "timezone", "calls_per_minute"',
                    pgid="pgtrigger_notify_on_update_d4430",
                    table="distribution_channel",
                    when="AFTER",
                ),
            ),
        ),
    ]
