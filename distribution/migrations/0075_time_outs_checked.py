"""Validates the constraints of 0074 while sales go on."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0074_time_outs_of_holds")]

    operations = [
        ValidateConstraint(model_name="ledgerentry", name="ledger_time_out_of_hold"),
        ValidateConstraint(model_name="ledgerentry", name="ledger_released_by_capture"),
    ]
