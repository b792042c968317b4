"""Attempts counted by the day, from the hours that are there.

Processes of the version before this one count into hours only. The recount of hours finds and repairs those days.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

BINS = ("duration_bins", "due_bins", "receipt_bins")
SUMS = ", ".join(
    f"ARRAY[{', '.join(f'sum({name}[{place}])::bigint' for place in range(1, 16))}]" for name in BINS
)
ADD_UP_HOURS = f"""
INSERT INTO tracing_attemptday (hour, destination_workspace_id, result, skip_reason, count, {", ".join(BINS)})
SELECT date_trunc('day', hour, 'UTC'), destination_workspace_id, result, skip_reason, sum(count)::bigint, {SUMS}
FROM tracing_attempthour GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - only constants are put in


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0013_watched_attempts"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField(help_text="The start of the hour.")),
                ("result", models.CharField(max_length=10)),
                ("skip_reason", models.CharField(blank=True, max_length=50)),
                ("count", models.BigIntegerField()),
                (
                    "duration_bins",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "due_bins",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "receipt_bins",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("destination_workspace_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "tracing_attemptday",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("destination_workspace_id", "hour", "result", "skip_reason"),
                        name="attemptday_cell_unique",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["result", "hour"],
                        include=("destination_workspace_id", "count"),
                        name="attemptday_result",
                    )
                ],
            },
        ),
        migrations.RunSQL(ADD_UP_HOURS, migrations.RunSQL.noop),
    ]
