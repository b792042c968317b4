"""What reads whole tables: without locks that writers would wait for, and so outside a transaction.

When it is interrupted an index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0072_wallets_of_pausing_buyers")]

    operations = [
        AddIndexConcurrently(
            model_name="buyer",
            index=models.Index(
                condition=models.Q(("paused_until__isnull", False)),
                fields=["paused_until"],
                name="buyer_paused_until",
            ),
        ),
        AddIndexConcurrently(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(("paused_until__isnull", False)),
                fields=["paused_until"],
                name="enrollment_paused_until",
            ),
        ),
        ValidateConstraint(model_name="buyer", name="buyer_paused_until_after_start"),
        ValidateConstraint(model_name="buyer", name="buyer_paused_by_itself_is_paused"),
        ValidateConstraint(model_name="enrollment", name="enrollment_paused_until_after_start"),
    ]
