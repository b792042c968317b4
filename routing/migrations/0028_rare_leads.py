from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Every sale and retry writes to this table: its writers must not wait for the indexes.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("routing", "0027_begun"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("paused_at__isnull", False)),
                fields=["next_attempt_at", "id"],
                name="lead_paused",
            ),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("status__in", ("gated", "offered", "returned", "expired", "cancelled"))),
                fields=["status", "id"],
                name="lead_seldom_status",
            ),
        ),
    ]
