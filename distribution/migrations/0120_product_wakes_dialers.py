"""The end of the product's pause tells the dialers."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0119_workspaces_wake_dialers"),
        ("routing", "0061_verified_leads_checked"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProductWithCalls",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("routing.dispatchcontrol",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="productwithcalls",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_dialers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="60040055343dee9c0dd5aeda82237b6f2e9b63dd",
                    operation='UPDATE OF "paused_at"',
                    pgid="pgtrigger_notify_dialers_73406",
                    table="routing_dispatchcontrol",
                    when="AFTER",
                ),
            ),
        ),
    ]
