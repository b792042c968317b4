"""A carrier account that may place calls again, or faster, tells the dialers."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0117_channels_wake_dialers")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="carrieraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_dialers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (\n            NEW.is_enabled AND NEW.stopped_at IS NULL AND (\n                NOT OLD.is_enabled OR OLD.stopped_at IS NOT NULL OR NEW.calls_per_second > OLD.calls_per_second\n            )\n        )",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="b8599bcdbc71cadafacd4dfca42f0e4d7c30cb40",
                    operation='UPDATE OF "is_enabled", "stopped_at", "calls_per_second"',
                    pgid="pgtrigger_notify_dialers_5b29d",
                    table="distribution_carrieraccount",
                    when="AFTER",
                ),
            ),
        ),
    ]
