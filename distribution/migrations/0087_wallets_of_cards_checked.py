"""What reads all wallets: without locks that sales would wait for, and so outside a transaction.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0086_wallets_of_cards")]
    atomic = False

    operations = [
        AddIndexConcurrently(
            model_name="wallet",
            index=models.Index(
                condition=models.Q(("recharge_below_cents__isnull", False)),
                fields=["id"],
                name="wallet_recharged",
            ),
        ),
        ValidateConstraint(model_name="wallet", name="wallet_not_below_limit"),
        ValidateConstraint(model_name="wallet", name="wallet_charged_back_not_negative"),
    ]
