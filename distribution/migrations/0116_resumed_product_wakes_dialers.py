"""Wakes dialers when the product resumes."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0115_dialers")]

    operations = [
        migrations.CreateModel(
            name="DispatchControlWithCalls",
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
            model_name="dispatchcontrolwithcalls",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_calls",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="b93198a8e1e3de71e6486cd69c73a4fc6c16ceff",
                    operation='UPDATE OF "paused_at"',
                    pgid="pgtrigger_notify_calls_7f293",
                    table="routing_dispatchcontrol",
                    when="AFTER",
                ),
            ),
        ),
    ]
