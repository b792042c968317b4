from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Every sale writes to the ledger: its writers must not wait for the index.

    When it is interrupted, or does not get its lock in time, an index stays behind as invalid: drop it, migrate again.
    """

    atomic = False

    dependencies = [
        ("distribution", "0009_returned_leads"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="ledgerentry",
            options={
                "permissions": [("move_large_sums", "Can move large sums")],
                "verbose_name_plural": "ledger entries",
            },
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                fields=["wallet", "-id"],
                condition=Q(kind__in=["topup", "hold", "capture", "release", "refund", "adjustment"]),
                name="ledger_wallet_not_charged",
            ),
        ),
    ]
