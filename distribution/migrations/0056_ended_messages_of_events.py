"""The index by which old messages of events are found. When it is interrupted an index may stay behind as invalid: drop
it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0055_old_events_can_be_removed")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False), ("event__isnull", False)),
                fields=["state", "ended_at"],
                name="delivery_event_ended",
            ),
        ),
    ]
