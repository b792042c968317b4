"""Adds the heartbeats of deliverers. Reversed, the table is dropped."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0042_holds_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Deliverer",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "db_table": "distribution_deliverer",
            },
        ),
    ]
