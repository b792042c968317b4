"""The database refuses a refund of more than is left of the charge. It locks the ledger for a moment."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0037_returns"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_within_charge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'refund' AND NEW.assignment_id IS NOT NULL)",
                    func="\n            PERFORM 1 FROM distribution_wallet WHERE id = NEW.wallet_id FOR NO KEY UPDATE;\n            IF NEW.amount_cents > (\n                SELECT COALESCE(SUM(-amount_cents), 0) FROM distribution_ledgerentry\n                WHERE assignment_id = NEW.assignment_id AND wallet_id = NEW.wallet_id\n                    AND kind IN ('charge', 'capture', 'refund')\n            ) THEN\n                RAISE EXCEPTION 'A refund of % cents is more than what is left of the charge.', NEW.amount_cents\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_refund_within_charge', TABLE = TG_TABLE_NAME;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="dadbff55f196bb619e50b556bfd8d132d9951c00",
                    operation="INSERT",
                    pgid="pgtrigger_refund_within_charge_afa99",
                    table="distribution_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
    ]
