"""Leads whose attempts have begun without a lease in Redis. A new table: nothing waits for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0026_reconciler_runs"),
    ]

    operations = [
        migrations.CreateModel(
            name="Begun",
            fields=[
                ("lead_id", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("attempts", models.PositiveIntegerField()),
                ("due_at", models.DateTimeField()),
                ("owner", models.CharField(max_length=100)),
                ("begun_at", models.DateTimeField()),
                ("is_lost", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "db_table": "routing_begun",
            },
        ),
    ]
