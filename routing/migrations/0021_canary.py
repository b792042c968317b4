"""How it is with the canary of each ready queue. A new table: nothing waits for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0020_waking"),
    ]

    operations = [
        migrations.CreateModel(
            name="Canary",
            fields=[
                ("shard", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("out_since", models.DateTimeField(null=True)),
                ("back_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "routing_canary",
            },
        ),
    ]
