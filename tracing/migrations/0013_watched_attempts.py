from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Every attempt writes to this table: its writers must not wait for the index.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("tracing", "0012_rollups"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("result__in", ["duplicate", "expired", "failed"])),
                fields=["started_at"],
                include=["result", "destination_workspace_id", "source_workspace_id"],
                name="attempt_watched",
            ),
        ),
    ]
