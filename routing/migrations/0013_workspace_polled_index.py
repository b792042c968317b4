"""Without locks that writers would wait for, and so outside a transaction."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0012_intake_leniency")]

    operations = [
        AddIndexConcurrently(
            model_name="workspace",
            index=models.Index(
                condition=~models.Q(dispatch_mode="event"), fields=["id"], name="workspace_polled"
            ),
        ),
    ]
