"""Adds the heartbeats of dialers, and wakes dialers when an account changes. Reversed, both go."""

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
    ]
