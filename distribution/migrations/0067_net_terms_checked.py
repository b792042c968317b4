"""Validates the constraint of net terms, without a lock that sales would wait for."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0066_net_terms")]

    operations = [ValidateConstraint(model_name="wallet", name="wallet_terms_fit")]
