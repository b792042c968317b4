from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The table is the biggest and is written to all the time: its writers must not wait for the index.

    When it is interrupted, or does not get its lock in time, the index stays behind as invalid: drop it, migrate again.
    """

    atomic = False

    dependencies = [
        ("tracing", "0002_audit"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="leaddistributionevent",
            index=models.Index(
                condition=models.Q(("event", "buyer_skipped")),
                fields=["buyer_id", "id"],
                name="event_buyer_skipped",
            ),
        ),
    ]
