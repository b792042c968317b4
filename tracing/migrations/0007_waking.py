from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0006_attempt_append_only"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("ingest", "first try after intake"),
                    ("retry", "retry at its due time"),
                    ("manual", "re-run by an operator"),
                    ("woken", "a change after which it may be sold"),
                    ("claim", "claim of an offer"),
                ],
                max_length=10,
            ),
        ),
    ]
