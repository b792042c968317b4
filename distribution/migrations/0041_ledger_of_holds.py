"""Holds, captures and releases in the ledger. Instant on a table of any size."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0040_selling_on_acceptance"),
    ]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it allows more"}

    operations = [
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="ledger_sign_fits_kind",
        ),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_cents__gt", 0), ("kind__in", ["topup", "refund"])),
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
    ]
