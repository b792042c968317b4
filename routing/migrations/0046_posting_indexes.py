"""What reads the whole table: without locks that writers would wait for, and so outside a transaction."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0045_posting")]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(condition=models.Q(("status", "posting")), fields=["id"], name="lead_posting"),
        ),
        ValidateConstraint(model_name="lead", name="lead_finished_at_iff_finished"),
        ValidateConstraint(model_name="lead", name="lead_posting_since"),
    ]
