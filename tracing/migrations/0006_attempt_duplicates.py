"""In a transaction of its own: the table is read while others go on writing."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0005_attempt_route"),
    ]

    operations = [ValidateConstraint(model_name="attempt", name="attempt_duplicate_has_first")]
