"""The other side of each ledger entry, and the movements of cards. Instant on a table of any size.

Existing entries get the account of a sale without being written. 0060 corrects the few that are no sales.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0058_last_use_of_workspace_keys")]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it allows more"}

    operations = [
        migrations.AddField(
            model_name="ledgerentry",
            name="other_account",
            field=models.CharField(
                choices=[
                    ("revenue", "revenue"),
                    ("card_clearing", "payments by card"),
                    ("manual_clearing", "booked by hand"),
                ],
                db_default="revenue",
                default="revenue",
                max_length=16,
                verbose_name="other side",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("topup", "top-up"),
                    ("charge", "charge for a lead"),
                    ("hold", "hold"),
                    ("capture", "capture of a hold"),
                    ("release", "release of a hold"),
                    ("refund", "refund of a charge"),
                    ("adjustment", "manual adjustment"),
                    ("cardrefund", "refund to a card"),
                    ("chargeback", "chargeback of a card payment"),
                    ("won_back", "chargeback won back"),
                ],
                max_length=10,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="booked_by_hand",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind IN ('topup', 'adjustment') AND NEW.other_account = 'revenue')",
                    func="NEW.other_account := 'manual_clearing'; RETURN NEW;",
                    hash="3f1193b6f9a2b8337925aaaae36d42925598b9c0",
                    operation="INSERT",
                    pgid="pgtrigger_booked_by_hand_0495b",
                    table="distribution_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RemoveConstraint(model_name="ledgerentry", name="ledger_sign_fits_kind"),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_cents__gt", 0), ("kind__in", ["topup", "refund", "won_back"])),
                    models.Q(("amount_cents__lt", 0), ("kind__in", ["cardrefund", "chargeback"])),
                    models.Q(
                        ("amount_cents__lte", 0),
                        ("assignment__isnull", False),
                        ("kind__in", ["charge", "capture"]),
                    ),
                    models.Q(("kind", "adjustment"), models.Q(("amount_cents", 0), _negated=True)),
                    models.Q(("amount_cents__lte", 0), ("assignment__isnull", False), ("kind", "hold")),
                    models.Q(("amount_cents__gte", 0), ("assignment__isnull", False), ("kind", "release")),
                    _connector="OR",
                ),
                name="ledger_sign_fits_kind",
            ),
        ),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind__in", ["charge", "hold", "capture", "release", "refund"]),
                        ("other_account", "revenue"),
                    ),
                    models.Q(
                        ("kind__in", ["topup", "cardrefund", "chargeback", "won_back"]),
                        ("other_account", "card_clearing"),
                    ),
                    models.Q(("kind__in", ["topup", "adjustment"]), ("other_account", "manual_clearing")),
                    _connector="OR",
                ),
                name="ledger_account_fits_kind",
            ),
        ),
    ]
