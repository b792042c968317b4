from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Every attempt writes to this table: its writers must not wait for the index.

    When it is interrupted, or does not get its lock in time, the index stays behind as invalid: drop it, migrate again.
    """

    atomic = False

    dependencies = [
        ("tracing", "0003_event_buyer_index"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(fields=["destination_workspace_id", "id"], name="attempt_workspace"),
        ),
    ]
