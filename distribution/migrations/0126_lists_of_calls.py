"""Finds the calls of a day, and the newest verifications of a workspace.

Built without locks that writers would wait for, and so outside a transaction. When it is interrupted an index may stay
behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0125_changed_channels_wake_dialers")]

    operations = [
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(fields=["created_at"], name="call_created_at"),
        ),
        AddIndexConcurrently(
            model_name="verification",
            index=models.Index(fields=["workspace", "-id"], name="verification_workspace"),
        ),
    ]
