"""Plain labels, help texts and status names. Changes no table."""

import django.core.validators
from django.db import migrations, models

import routing.values.opening_hours


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0033_short_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="lead",
            name="cancel_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Why it was canceled, if a reason was given.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "waiting until it is due"),
                    ("calling", "being verified by an outside service"),
                    ("gated", "waiting for verification"),
                    ("offered", "offered to buyers"),
                    ("distributed", "sold"),
                    ("returned", "returned by its buyers"),
                    ("duplicate", "duplicate of an earlier lead"),
                    ("failed", "needs an operator to run it again"),
                    ("expired", "expired"),
                    ("cancelled", "canceled"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="name",
            field=models.SlugField(
                help_text='Conditions find it in the field "source". Next: issue a key under Source keys so it can send leads.'
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="duplicate_days",
            field=models.PositiveIntegerField(
                db_default=30,
                default=30,
                help_text="How many days back to look for the same person.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="look back for duplicates (days)",
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="duplicate_same_vertical",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="If checked, a lead for another vertical is not a duplicate, even if it comes from the same person.",
                verbose_name="count duplicates only within the same vertical",
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="hours",
            field=models.JSONField(
                blank=True,
                help_text='When leads are distributed, in the workspace time zone, e.g. {"mon": [["09:00", "17:00"]]}. Blank: always open.',
                null=True,
                validators=[routing.values.opening_hours.check_hours],
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="lead_ttl_days",
            field=models.PositiveIntegerField(
                default=90,
                help_text="An unsold lead expires this many days after it was received.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="lead expires after (days)",
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="slug",
            field=models.SlugField(
                help_text="Short name for the command line, e.g. sunbelt. Must be unique. Filled in from the name.",
                unique=True,
            ),
        ),
    ]
