"""How due leads are found: the mode of each workspace, its hours, the one row of the dispatch, leases that were lost.

Workspaces that exist keep the pick-up; new ones get what the settings say.
"""

from django.db import migrations, models

import routing.models.workspace
import routing.values.opening_hours


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0008_lead_lease_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DispatchControl",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "paused_at",
                    models.DateTimeField(
                        blank=True, help_text="Set: no lead is tried in any workspace.", null=True
                    ),
                ),
                ("leader", models.CharField(blank=True, db_default="", editable=False, max_length=120)),
                ("epoch", models.PositiveBigIntegerField(db_default=0, default=0, editable=False)),
                (
                    "path",
                    models.CharField(
                        blank=True,
                        choices=[("redis", "through Redis"), ("postgres", "straight from PostgreSQL")],
                        db_default="",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("seen_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "db_table": "routing_dispatchcontrol",
            },
        ),
        migrations.AddField(
            model_name="lead",
            name="lost_leases",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="How many workers in a row were lost while trying it."
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="dispatch_mode",
            field=models.CharField(
                choices=[
                    ("poll", "poll: the periodic pick-up reads PostgreSQL"),
                    ("shadow", "shadow: as poll, with an index in Redis beside it that is only compared"),
                    ("event", "event: the dispatcher starts leads when they are due"),
                ],
                db_default="poll",
                default=routing.models.workspace.new_dispatch_mode,
                help_text="How its due leads are found. Forward and back at any time, see docs/dispatch-rollout.md.",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="hours",
            field=models.JSONField(
                blank=True,
                help_text='When its leads are tried, in its timezone: {"mon": [["09:00", "17:00"]]}. Empty: always.',
                null=True,
                validators=[routing.values.opening_hours.check_hours],
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="Where it works, by its IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[routing.values.opening_hours.check_timezone],
            ),
        ),
        migrations.AddConstraint(
            model_name="workspace",
            constraint=models.CheckConstraint(
                condition=models.Q(("dispatch_mode__in", ["poll", "shadow", "event"])),
                name="workspace_dispatch_mode_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispatchcontrol",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="dispatchcontrol_one_row"),
        ),
    ]
