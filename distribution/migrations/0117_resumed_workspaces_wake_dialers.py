"""Wakes dialers when a workspace resumes."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0116_resumed_product_wakes_dialers")]

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
                name="notify_calls",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="b4ee6fb99de522e152d91b2bbf2e199c870602e1",
                    operation='UPDATE OF "paused_at"',
                    pgid="pgtrigger_notify_calls_fb54f",
                    table="routing_workspace",
                    when="AFTER",
                ),
            ),
        ),
    ]
