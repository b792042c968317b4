from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The reconciler counts into these tables every minute, and must not wait for the indexes.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("tracing", "0017_workspace_rollups"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attempthour",
            index=models.Index(
                fields=["destination_workspace_id", "hour"],
                include=("result", "count"),
                name="attempthour_workspace",
            ),
        ),
        AddIndexConcurrently(
            model_name="attemptday",
            index=models.Index(
                fields=["destination_workspace_id", "hour"],
                include=("result", "count"),
                name="attemptday_workspace",
            ),
        ),
    ]
