"""The other side of each payable. Instant on a table of any size.

Existing entries get the account of a sale without being written. 0065 corrects the payments.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0063_portal")]

    operations = [
        migrations.AddField(
            model_name="payableentry",
            name="other_account",
            field=models.CharField(
                choices=[("source_costs", "costs of sources"), ("manual_clearing", "booked by hand")],
                db_default="source_costs",
                default="source_costs",
                max_length=16,
                verbose_name="other side",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payableentry",
            trigger=pgtrigger.compiler.Trigger(
                name="booked_by_hand",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind IN ('paid') AND NEW.other_account = 'source_costs')",
                    func="NEW.other_account := 'manual_clearing'; RETURN NEW;",
                    hash="a6263f505989bcf0ba7ef909c135f04e234f0a4a",
                    operation="INSERT",
                    pgid="pgtrigger_booked_by_hand_cf4b2",
                    table="distribution_payableentry",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="payableentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind__in", ["earned", "deducted", "adjustment"]), ("other_account", "source_costs")
                    ),
                    models.Q(("kind__in", ["paid"]), ("other_account", "manual_clearing")),
                    _connector="OR",
                ),
                name="payable_account_fits_kind",
            ),
        ),
    ]
