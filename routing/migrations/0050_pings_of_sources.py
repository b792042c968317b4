"""How long a ping of a source is valid, and what follows a promise. Constant defaults: the table is not rewritten."""

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0049_pings")]

    operations = [
        migrations.AddField(
            model_name="source",
            name="after_promise",
            field=models.CharField(
                choices=[
                    ("sell", "sell: it is sold at any price, like a lead without a ping"),
                    ("end", "end: it is not sold"),
                ],
                db_default="sell",
                default="sell",
                help_text="What happens to a lead that was not sold while the price of its ping was promised.",
                max_length=4,
                verbose_name="unsold leads after a promise",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="ping_seconds",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long a price that a ping was promised can be used. Blank: LEADSWITCH_PING_SECONDS.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(10),
                    django.core.validators.MaxValueValidator(3600),
                ],
                verbose_name="a ping is valid for (seconds)",
            ),
        ),
        AddConstraintNotValid(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(("after_promise__in", ["sell", "end"])), name="source_after_promise_known"
            ),
        ),
        AddConstraintNotValid(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ping_seconds__isnull", True), ("ping_seconds__range", (10, 3600)), _connector="OR"
                ),
                name="source_ping_seconds_range",
            ),
        ),
    ]
