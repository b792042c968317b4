"""Refuses to move a refund to another card payment or workspace. Adds a trigger, which changes no row."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0089_events_of_recharges"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="cardrefund",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.payment_id, NEW.workspace_id) IS DISTINCT FROM ROW(OLD.payment_id, OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The payment and workspace of card refund % cannot be changed. Refund the other payment.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="18be5434194d162aa40d34f9dc341dd6f210f227",
                    operation='UPDATE OF "payment_id", "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_eb05c",
                    table="distribution_cardrefund",
                    when="BEFORE",
                ),
            ),
        ),
    ]
