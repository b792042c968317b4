"""All attempts of a workspace by the hour and by the day, from the hours that are there.

Processes of the version before this one count into the other tables only. The recount of hours finds and repairs that.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

BINS = ("duration_bins", "due_bins", "receipt_bins")
SUMS = ", ".join(
    f"ARRAY[{', '.join(f'sum({name}[{place}])::bigint' for place in range(1, 16))}]" for name in BINS
)
# No process counts in between.
LOCK = "SELECT FROM tracing_rollupstate FOR UPDATE"


def add_up(table: str, hours: str, start: str) -> str:
    return f"""
    INSERT INTO {table} (hour, destination_workspace_id, count, {", ".join(BINS)})
    SELECT {start}, destination_workspace_id, sum(count)::bigint, {SUMS} FROM {hours} GROUP BY 1, 2 ORDER BY 2, 1
    """  # noqa: S608 - only constants are put in


ADD_UP_HOURS = [
    LOCK,
    add_up("tracing_workspacehour", "tracing_attempthour", "hour"),
    add_up("tracing_workspaceday", "tracing_workspacehour", "date_trunc('day', hour, 'UTC')"),
]


def counted() -> list[tuple[str, models.Field]]:
    return [
        (
            "id",
            models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
        ),
        ("hour", models.DateTimeField(help_text="The start of the hour.")),
        ("count", models.BigIntegerField()),
        *(
            (
                name,
                django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
            )
            for name in BINS
        ),
        ("destination_workspace_id", models.BigIntegerField()),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0016_audit_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkspaceHour",
            fields=counted(),
            options={
                "db_table": "tracing_workspacehour",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("destination_workspace_id", "hour"), name="workspacehour_cell_unique"
                    )
                ],
                "indexes": [models.Index(fields=["hour"], name="workspacehour_hour")],
            },
        ),
        migrations.CreateModel(
            name="WorkspaceDay",
            fields=counted(),
            options={
                "db_table": "tracing_workspaceday",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("destination_workspace_id", "hour"), name="workspaceday_cell_unique"
                    )
                ],
            },
        ),
        migrations.RunSQL(ADD_UP_HOURS, migrations.RunSQL.noop),
    ]
