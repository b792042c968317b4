"""Reads the table without locks that writers would wait for, and so outside a transaction."""

import django.contrib.postgres.operations
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("routing", "0060_verified_leads"),
    ]

    operations = [
        django.contrib.postgres.operations.ValidateConstraint(
            model_name="lead",
            name="lead_verified_at_iff_verified",
        ),
    ]
