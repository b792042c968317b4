"""A channel that may call again, or more, tells the dialers."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0116_campaigns_wake_verifications")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_dialers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (\n            NEW.is_enabled AND NEW.flagged_at IS NULL AND (\n                NOT OLD.is_enabled OR OLD.flagged_at IS NOT NULL OR NEW.lines > OLD.lines\n                OR NEW.calls_per_minute > OLD.calls_per_minute\n            )\n        )",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="8681e29e8ec9b69d2d8339cb933da251680f1cb8",
                    operation='UPDATE OF "is_enabled", "flagged_at", "lines", "calls_per_minute"',
                    pgid="pgtrigger_notify_dialers_fa5e7",
                    table="distribution_channel",
                    when="AFTER",
                ),
            ),
        ),
    ]
