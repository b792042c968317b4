"""Reads all pings without a lock that writers would wait for."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0056_ping_has_price_or_reason")]

    operations = [ValidateConstraint(model_name="ping", name="ping_price_or_reason")]
