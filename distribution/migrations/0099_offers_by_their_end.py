"""Finds what closed lately. Built without locks that writers would wait for, and so outside a transaction.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0098_lowered_bids_wait")]

    operations = [
        AddIndexConcurrently(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state", "closed")), fields=["closed_at"], name="offer_closed"
            ),
        ),
    ]
