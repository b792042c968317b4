"""The index of the clean-up has only pings that it has not looked at. It replaces the index of all of them."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0058_pings_kept")]

    operations = [
        AddIndexConcurrently(
            model_name="ping",
            index=models.Index(
                condition=models.Q(("is_kept", False)), fields=["created_at"], name="ping_to_clean_up"
            ),
        ),
        RemoveIndexConcurrently(model_name="ping", name="ping_by_age"),
    ]
