from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of what the exporter counts is built again without test leads. Attempts do not wait for it.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("tracing", "0019_test_leads"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("is_test", False), ("result__in", ["duplicate", "expired", "failed"])),
                fields=["started_at"],
                include=["result", "destination_workspace_id", "source_workspace_id"],
                name="attempt_watched_real",
            ),
        ),
        RemoveIndexConcurrently(model_name="attempt", name="attempt_watched"),
    ]
