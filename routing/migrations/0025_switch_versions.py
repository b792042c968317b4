"""Numbers of the changes of pauses and modes. A column with a constant default is written to no row.

The workspace comes before the control, as in a sale: in the other order the two met in a deadlock.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0024_owners_are_fixed"),
    ]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="switch_version",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="dispatchcontrol",
            name="switch_version",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="workspace",
            trigger=pgtrigger.compiler.Trigger(
                name="number_switches",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            NEW.switch_version = OLD.switch_version;\n            IF ROW(NEW.paused_at, NEW.dispatch_mode) IS DISTINCT FROM ROW(OLD.paused_at, OLD.dispatch_mode) THEN\n                NEW.switch_version = GREATEST(\n                    OLD.switch_version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint\n                );\n            END IF;\n            RETURN NEW;\n        ",
                    hash="6360b6160a570e7b17cfdb3b4aee98bb90e6fd5b",
                    operation='UPDATE OF "paused_at", "dispatch_mode", "switch_version"',
                    pgid="pgtrigger_number_switches_08b41",
                    table="routing_workspace",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dispatchcontrol",
            trigger=pgtrigger.compiler.Trigger(
                name="number_switches",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            NEW.switch_version = OLD.switch_version;\n            IF ROW(NEW.paused_at) IS DISTINCT FROM ROW(OLD.paused_at) THEN\n                NEW.switch_version = GREATEST(\n                    OLD.switch_version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint\n                );\n            END IF;\n            RETURN NEW;\n        ",
                    hash="0cab077910de470621268755c43d780889adcaa0",
                    operation='UPDATE OF "paused_at", "switch_version"',
                    pgid="pgtrigger_number_switches_1d3fa",
                    table="routing_dispatchcontrol",
                    when="BEFORE",
                ),
            ),
        ),
    ]
