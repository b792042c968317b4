"""Refuses to say that a payment is the surplus of another one. Replaces a trigger, which changes no row."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0092_owners_of_card_disputes")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="cardpayment",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cardpayment",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.wallet_id, NEW.workspace_id, NEW.card_id, NEW.surplus_of_id) IS DISTINCT FROM ROW(OLD.wallet_id, OLD.workspace_id, OLD.card_id, OLD.surplus_of_id))",
                    func="\n            RAISE EXCEPTION 'The wallet and workspace and card and surplus of of payment % cannot be changed. Make another payment.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="7d3065ecf1361d68971dd73672c8575044dccef2",
                    operation='UPDATE OF "wallet_id", "workspace_id", "card_id", "surplus_of_id"',
                    pgid="pgtrigger_owner_is_fixed_aa880",
                    table="distribution_cardpayment",
                    when="BEFORE",
                ),
            ),
        ),
    ]
