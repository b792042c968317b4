"""What reads the whole table: without locks that writers would wait for, and so outside a transaction.

The new index replaces the one of the same name, which dispatchers use until then.
"""

from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0053_offered_leads")]
    lint_accepted = {"renaming-object": "no statement names an index"}

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("paused_at__isnull", True), ("status__in", ["pending", "offered"])),
                fields=["workspace", "next_attempt_at", "id"],
                name="lead_workspace_timed",
            ),
        ),
        RemoveIndexConcurrently(model_name="lead", name="lead_workspace_due"),
        migrations.RenameIndex(
            model_name="lead", old_name="lead_workspace_timed", new_name="lead_workspace_due"
        ),
        ValidateConstraint(model_name="lead", name="lead_due_exactly_while_pending"),
        ValidateConstraint(model_name="lead", name="lead_posting_since"),
    ]
