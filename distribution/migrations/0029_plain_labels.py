"""Labels of the admin in plain words, so that the history of a row uses those of its form. Changes no column."""

import django.core.validators
from django.db import migrations, models

import distribution.configuration.checks
import routing.values.opening_hours

TIME_ZONES = {
    "buyer": "The time zone of its hours, caps and budgets: an IANA name, e.g. America/Chicago.",
    "campaign": "The time zone of the schedule below: an IANA name, e.g. America/Chicago.",
}
CAPS = {
    "hour": "Leads per hour. Blank: no cap. 0: no leads.",
    "day": "Leads per day, in the buyer's time zone. Blank: no cap.",
    "week": "Leads per week, starting Monday. Blank: no cap.",
    "month": "Leads per calendar month. Blank: no cap.",
}
BUDGETS = {
    "hour": "Most it spends per hour. Blank: limited only by its wallet.",
    "day": "Most it spends per day. Blank: limited only by its wallet.",
    "week": "Most it spends per week. Blank: limited only by its wallet.",
    "month": "Most it spends per calendar month. Blank: limited only by its wallet.",
}


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0028_manual_adjustment"),
    ]

    operations = [
        migrations.AlterField(
            model_name="campaignsnapshot",
            name="actor",
            field=models.CharField(blank=True, max_length=100, verbose_name="who"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="actor",
            field=models.CharField(max_length=100, verbose_name="who"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="reason",
            field=models.CharField(blank=True, max_length=200, verbose_name="why"),
        ),
        *(
            migrations.AlterField(
                model_name=model,
                name="timezone",
                field=models.CharField(
                    default="America/New_York",
                    help_text=help_text,
                    max_length=50,
                    validators=[routing.values.opening_hours.check_timezone],
                    verbose_name="time zone",
                ),
            )
            for model, help_text in TIME_ZONES.items()
        ),
        migrations.AlterField(
            model_name="buyer",
            name="hours",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='When leads may be delivered, buyer\'s time zone: {"mon": [["09:00", "17:00"]]}. Empty: always.',
                validators=[distribution.configuration.checks.check_hours],
            ),
        ),
        *(
            migrations.AlterField(
                model_name="enrollment",
                name=f"cap_{period}",
                field=models.PositiveIntegerField(
                    blank=True, help_text=help_text, null=True, verbose_name=f"leads per {period}"
                ),
            )
            for period, help_text in CAPS.items()
        ),
        *(
            migrations.AlterField(
                model_name="enrollment",
                name=f"budget_{period}_cents",
                field=models.PositiveBigIntegerField(
                    blank=True,
                    help_text=help_text,
                    null=True,
                    validators=[django.core.validators.MaxValueValidator(1_000_000_000_000)],
                    verbose_name=f"budget per {period}",
                ),
            )
            for period, help_text in BUDGETS.items()
        ),
    ]
