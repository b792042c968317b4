"""Reads the table without locks that writers would wait for, and so outside a transaction."""

import django.contrib.postgres.operations
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("distribution", "0108_verification_of_campaigns"),
    ]

    operations = [
        django.contrib.postgres.operations.ValidateConstraint(
            model_name="campaign",
            name="campaign_unverified_percent_in_range",
        ),
    ]
