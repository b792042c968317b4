"""Net terms of buyers. Instant on a table of any size."""

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import distribution.configuration.addresses


class Migration(migrations.Migration):
    dependencies = [("distribution", "0065_fill_other_side_of_payables")]

    operations = [
        migrations.AddField(
            model_name="wallet",
            name="statement_emails",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Email addresses, separated by commas. Each statement is sent to them. Blank: to no one.",
                max_length=500,
                validators=[distribution.configuration.addresses.check_addresses],
                verbose_name="statements go to",
            ),
        ),
        migrations.AddField(
            model_name="wallet",
            name="statements_from",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="wallet",
            name="terms_days",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Net terms: the buyer gets a monthly statement, and pays within this many days. How much it may owe is the credit limit. Blank: prepaid.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(365)],
                verbose_name="days to pay",
            ),
        ),
        AddConstraintNotValid(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("terms_days__isnull", True),
                    models.Q(("statements_from__isnull", False), ("terms_days__range", (0, 365))),
                    _connector="OR",
                ),
                name="wallet_terms_fit",
            ),
        ),
    ]
