"""Timeouts of holds, and captures of a part of a hold. Instant on a table of any size."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0073_pauses_that_end")]

    operations = [
        migrations.AddField(
            model_name="ledgerentry",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="timeout"),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="released_cents",
            field=models.BigIntegerField(db_default=0, default=0, verbose_name="released"),
        ),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__isnull", True), ("kind", "hold"), _connector="OR"),
                name="ledger_time_out_of_hold",
            ),
        ),
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("released_cents", 0),
                    models.Q(("kind", "capture"), ("released_cents__gt", 0)),
                    _connector="OR",
                ),
                name="ledger_released_by_capture",
            ),
        ),
    ]
