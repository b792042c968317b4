"""The index that figures of tries in a time use. When it is interrupted an index may stay behind as invalid: drop it,
migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0044_try_of_one_delivery")]

    operations = [
        AddIndexConcurrently(
            model_name="deliverytry",
            index=models.Index(fields=["started_at"], name="deliverytry_started"),
        ),
    ]
