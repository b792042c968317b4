"""Reads the tables without locks that writers would wait for, and so outside a transaction."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("distribution", "0081_end_of_offers"),
    ]

    operations = [
        ValidateConstraint(model_name="campaign", name="campaign_offers_in_range"),
        ValidateConstraint(model_name="tier", name="tier_head_start_in_range"),
        ValidateConstraint(model_name="enrollment", name="enrollment_margin_in_range"),
    ]
