"""The end of a workspace's pause tells the dialers."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0118_accounts_wake_dialers"),
        ("routing", "0061_verified_leads_checked"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkspaceWithCalls",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("routing.workspace",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="workspacewithcalls",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_dialers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="11f69226ca88705a0fb79dec3f8eb065b50e2d45",
                    operation='UPDATE OF "paused_at"',
                    pgid="pgtrigger_notify_dialers_23eae",
                    table="routing_workspace",
                    when="AFTER",
                ),
            ),
        ),
    ]
