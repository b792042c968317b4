"""Refuses to move a dispute to another card payment. Adds a trigger, which changes no row."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0091_gates_of_refused_claims")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="carddispute",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(OLD.payment_id) IS NOT NULL AND ROW(NEW.payment_id) IS DISTINCT FROM ROW(OLD.payment_id))",
                    func="\n            RAISE EXCEPTION 'The payment of card dispute % cannot be changed. Find the payment by its payment intent.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="9954b9ca98b71b209430d71cf3b15a52f05cf0e5",
                    operation='UPDATE OF "payment_id"',
                    pgid="pgtrigger_owner_is_fixed_04345",
                    table="distribution_carddispute",
                    when="BEFORE",
                ),
            ),
        ),
    ]
