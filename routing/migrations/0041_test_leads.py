"""Marks test leads. A constant default: the table is not rewritten."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0040_plain_labels"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="is_test",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="It is decided like any lead and charges nothing.",
                verbose_name="test lead",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lead",
            trigger=pgtrigger.compiler.Trigger(
                name="test_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_test <> OLD.is_test)",
                    func="\n            RAISE EXCEPTION 'Whether lead % is a test cannot be changed. Send it again.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'test_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="4798d410eda7011b7347215facf0ada026e88b9d",
                    operation='UPDATE OF "is_test"',
                    pgid="pgtrigger_test_is_fixed_ae933",
                    table="routing_lead",
                    when="BEFORE",
                ),
            ),
        ),
    ]
