"""Validates the constraints of ping endpoints, without a lock that writers would wait for."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0061_ping_endpoints")]

    operations = [
        ValidateConstraint(model_name="endpoint", name="endpoint_ping_reads_a_price"),
        ValidateConstraint(model_name="endpoint", name="endpoint_price_unit_known"),
    ]
