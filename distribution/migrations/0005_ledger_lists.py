from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Every sale writes to this table: its writers must not wait for the indexes.

    When it is interrupted, or does not get its lock in time, an index stays behind as invalid: drop it, migrate again.
    """

    atomic = False

    dependencies = [
        ("distribution", "0004_help_texts"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(fields=["created_at"], name="ledger_created_at"),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                fields=["kind", "id"],
                condition=Q(kind__in=["topup", "adjustment", "refund"]),
                name="ledger_not_charged",
            ),
        ),
    ]
