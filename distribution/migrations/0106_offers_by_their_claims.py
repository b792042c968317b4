"""Finds what a buyer claimed. Built without locks that writers would wait for, and so outside a transaction.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0105_help_of_bids")]

    operations = [
        AddIndexConcurrently(
            model_name="offerbuyer",
            index=models.Index(
                condition=models.Q(("claimed_at__isnull", False)),
                fields=["buyer", "id"],
                name="offerbuyer_claimed",
            ),
        ),
    ]
