"""When the last pause of the product, a workspace or a lead ended. Rewrites no table."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0035_pause_by_button"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="dispatchcontrol",
            name="number_switches",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="workspace",
            name="number_switches",
        ),
        migrations.AddField(
            model_name="dispatchcontrol",
            name="resumed_at",
            field=models.DateTimeField(editable=False, help_text="When its last pause ended.", null=True),
        ),
        migrations.AddField(
            model_name="lead",
            name="resumed_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When its own last pause ended. Delays are measured from then.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="resumed_at",
            field=models.DateTimeField(editable=False, help_text="When its last pause ended.", null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dispatchcontrol",
            trigger=pgtrigger.compiler.Trigger(
                name="number_switches",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            NEW.switch_version = OLD.switch_version;\n            NEW.resumed_at = OLD.resumed_at;\n            IF OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL THEN\n                NEW.resumed_at = clock_timestamp();\n            END IF;\n            IF ROW(NEW.paused_at) IS DISTINCT FROM ROW(OLD.paused_at) THEN\n                NEW.switch_version = GREATEST(\n                    OLD.switch_version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint\n                );\n            END IF;\n            RETURN NEW;\n        ",
                    hash="a406de1622e19eaa28a0eda82964b73550dc9539",
                    operation='UPDATE OF "paused_at", "switch_version", "resumed_at"',
                    pgid="pgtrigger_number_switches_1d3fa",
                    table="routing_dispatchcontrol",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="workspace",
            trigger=pgtrigger.compiler.Trigger(
                name="number_switches",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            NEW.switch_version = OLD.switch_version;\n            NEW.resumed_at = OLD.resumed_at;\n            IF OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL THEN\n                NEW.resumed_at = clock_timestamp();\n            END IF;\n            IF ROW(NEW.paused_at, NEW.dispatch_mode) IS DISTINCT FROM ROW(OLD.paused_at, OLD.dispatch_mode) THEN\n                NEW.switch_version = GREATEST(\n                    OLD.switch_version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint\n                );\n            END IF;\n            RETURN NEW;\n        ",
                    hash="9e2a6950d600c6231ba824e845a2dabd70556f47",
                    operation='UPDATE OF "paused_at", "dispatch_mode", "switch_version", "resumed_at"',
                    pgid="pgtrigger_number_switches_08b41",
                    table="routing_workspace",
                    when="BEFORE",
                ),
            ),
        ),
    ]
