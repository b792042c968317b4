"""What reads the whole table: without locks that writers would wait for, and so outside a transaction."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0007_lead_lease")]

    operations = [
        ValidateConstraint(model_name="lead", name="lead_locked_exactly_while_calling"),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=Q(attempts__gt=0, status="pending"),
                fields=["next_attempt_at", "id"],
                include=["workspace"],
                name="lead_retry_queue",
            ),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(condition=Q(status="calling"), fields=["locked_at"], name="lead_locked"),
        ),
    ]
