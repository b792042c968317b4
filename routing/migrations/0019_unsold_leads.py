from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Leads come in while the index is built. One that is left invalid by an interruption: drop it, migrate again."""

    atomic = False

    dependencies = [("routing", "0018_wakeups")]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["pending", "failed"]), models.Q(("skip_reason", ""), _negated=True)
                ),
                fields=["workspace", "skip_reason", "received_at"],
                name="lead_unsold",
            ),
        )
    ]
