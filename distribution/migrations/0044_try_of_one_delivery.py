"""Refuses to move a try to another delivery: its texts are personal data of the buyer's lead."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0043_deliverers")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="deliverytry",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.delivery_id) IS DISTINCT FROM ROW(OLD.delivery_id))",
                    func="\n            RAISE EXCEPTION 'The delivery of try % cannot be changed. Send the other delivery.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="fe9892f6977a90ae772cd5cb4b8c371a36131765",
                    operation='UPDATE OF "delivery_id"',
                    pgid="pgtrigger_owner_is_fixed_b9149",
                    table="distribution_deliverytry",
                    when="BEFORE",
                ),
            ),
        ),
    ]
