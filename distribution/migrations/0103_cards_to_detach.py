"""The index of removed cards that are still attached at the provider: without a lock that payments would wait for.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0102_cards_detached")]

    operations = [
        AddIndexConcurrently(
            model_name="card",
            index=models.Index(
                condition=models.Q(("detached_at__isnull", True), ("removed_at__isnull", False)),
                fields=["removed_at"],
                name="card_to_detach",
            ),
        ),
    ]
