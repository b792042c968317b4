"""Leases on leads, and how often in a row a lead met a conflict or an error. Instant on a table of any size."""

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("routing", "0006_lead_identity")]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="conflicts",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Attempts in a row that met busy locks.",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="errors",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Attempts in a row that the product failed on.",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="locked_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when. Every later write compares both.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="locked_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Who has the lease.",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="max_attempts",
            field=models.PositiveSmallIntegerField(
                db_default=3,
                default=3,
                help_text="How often in a row a lead is tried that the product fails on, before it is parked as failed.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(20),
                ],
            ),
        ),
        migrations.CreateModel(
            name="RetryingLead",
            fields=[],
            options={
                "verbose_name": "lead in the retry queue",
                "verbose_name_plural": "retry queue",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("routing.lead",),
        ),
        # No lead was ever `calling` before this.
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=(Q(status="calling", locked_at__isnull=False) & ~Q(locked_by=""))
                | (~Q(status="calling") & Q(locked_at__isnull=True, locked_by="")),
                name="lead_locked_exactly_while_calling",
            ),
        ),
    ]
