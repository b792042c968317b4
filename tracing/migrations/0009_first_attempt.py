"""The label of a trigger says "attempt". Changes no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0008_plain_words"),
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
                ],
                max_length=10,
            ),
        ),
    ]
