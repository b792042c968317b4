"""Finds calls whose cost is due. Built without locks that writers would wait for, and so outside a transaction.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0121_costs_of_calls")]

    operations = [
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                condition=models.Q(("cost_due_at__isnull", False)),
                fields=["cost_due_at"],
                name="call_cost_due",
            ),
        ),
    ]
