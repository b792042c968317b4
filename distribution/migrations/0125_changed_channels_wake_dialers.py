"""Wakes dialers when a channel is added or changes."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0124_new_hashes_of_phones"),
    ]

    operations = [
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
