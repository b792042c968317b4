"""Attempts counted by the hour. From here on, every new attempt is queued for its hour.

Creating the trigger waits for open transactions that insert attempts. So every attempt that is in neither the queue nor
an hour is committed by then, and the reconciler `rollups` counts it as history, in steps.
"""

import django.contrib.postgres.fields
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0011_short_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptHour",
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
                ("source_workspace_id", models.BigIntegerField()),
                ("destination_workspace_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "tracing_attempthour",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "destination_workspace_id",
                            "hour",
                            "source_workspace_id",
                            "result",
                            "skip_reason",
                        ),
                        name="attempthour_cell_unique",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["result", "hour"],
                        include=("destination_workspace_id", "count"),
                        name="attempthour_result",
                    ),
                    models.Index(fields=["hour"], name="attempthour_hour"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AttemptHourTotal",
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
            ],
            options={
                "db_table": "tracing_attempthourtotal",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("hour", "result", "skip_reason"), name="attempthourtotal_cell_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupState",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                (
                    "counted_to",
                    models.UUIDField(
                        help_text="The last attempt that was counted of those from before the first count.",
                        null=True,
                    ),
                ),
                ("is_history_counted", models.BooleanField(default=False)),
                (
                    "recounted_to",
                    models.DateTimeField(help_text="The hour that was recounted last.", null=True),
                ),
            ],
            options={
                "db_table": "tracing_rollupstate",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="rollupstate_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="UncountedAttempt",
            fields=[
                ("attempt_id", models.UUIDField(primary_key=True, serialize=False)),
            ],
            options={
                "db_table": "tracing_uncountedattempt",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="due_at",
            field=models.DateTimeField(help_text="Since when the lead could be decided.", null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="received_at",
            field=models.DateTimeField(
                help_text="When the lead was received, or its latest pause ended.", null=True
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="count_later",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO tracing_uncountedattempt (attempt_id) SELECT id FROM added; RETURN NULL;",
                    hash="4d3805f1b15aee76dda0f14197a7bf7098bcbf3b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_count_later_f6079",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="tracing_attempt",
                    when="AFTER",
                ),
            ),
        ),
    ]
