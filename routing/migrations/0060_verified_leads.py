"""How and when the person behind a lead was verified."""

import django.contrib.postgres.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0059_pings_kept_indexed"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="verification",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "not verified"),
                    ("call", "confirmed in a call"),
                    ("hand", "verified by an operator"),
                    ("declined", "declined by the person"),
                    ("unverified", "could not be verified"),
                ],
                db_default="",
                default="",
                editable=False,
                help_text="How the person was verified.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="verified_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("verification__in", ("call", "hand")), ("verified_at__isnull", False)),
                    models.Q(
                        ("verified_at__isnull", True),
                        models.Q(("verification__in", ("call", "hand")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="lead_verified_at_iff_verified",
            ),
        ),
    ]
