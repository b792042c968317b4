"""The index of a buyer's returns in one state. When it is interrupted an index may stay behind as invalid: drop it,
migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0053_workspace_keys")]

    operations = [
        AddIndexConcurrently(
            model_name="returnrequest",
            index=models.Index(fields=["buyer", "state", "-id"], name="return_buyer_state_newest"),
        ),
    ]
