"""Due leads of each workspace, in place of due leads of all in one order. Without locks that writers would wait for."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0022_wakes_are_bounded")]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("paused_at__isnull", True), ("status", "pending")),
                fields=["workspace", "next_attempt_at", "id"],
                name="lead_workspace_due",
            ),
        ),
        AddIndexConcurrently(
            model_name="workspace",
            index=models.Index(
                condition=models.Q(("paused_at__isnull", True)), fields=["id"], name="workspace_running"
            ),
        ),
        RemoveIndexConcurrently(model_name="lead", name="lead_due"),
    ]
