"""Attempts that follow the end of a verification. Changes only the choices: no statement runs for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0022_end_of_an_offer"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("ingest", "first attempt after intake"),
                    ("retry", "retry at its due time"),
                    ("manual", "re-run by an operator"),
                    ("woken", "a change that may let it sell"),
                    ("claim", "claim of an offer"),
                    ("offer_closed", "end of an offer"),
                    ("delivery", "answer of a buyer's system"),
                    ("verification", "end of its verification"),
                ],
                max_length=20,
            ),
        ),
    ]
