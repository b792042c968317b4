"""Finds the calls with new reports. Built without locks that writers would wait for, and so outside a transaction.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0127_call_policy_words")]

    operations = [
        AddIndexConcurrently(
            model_name="callnotice",
            index=models.Index(
                condition=models.Q(("applied_at__isnull", True), ("result", "")),
                fields=["call"],
                name="callnotice_new_of_call",
            ),
        ),
    ]
