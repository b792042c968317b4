"""Shorter labels and help texts. Changes no table."""

from django.db import migrations, models

import routing.models.workspace


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0032_plain_trigger_messages"),
    ]

    operations = [
        migrations.AlterField(
            model_name="dispatchcontrol",
            name="path",
            field=models.CharField(
                blank=True,
                choices=[("redis", "through Redis"), ("postgres", "without Redis")],
                db_default="",
                editable=False,
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="conflicts",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Attempts in a row that could not get a lock.",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="locked_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the claim began. Every later write checks it and the worker.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "waiting until it is due"),
                    ("calling", "being verified by an outside service"),
                    ("gated", "waiting for verification"),
                    ("offered", "offered to buyers"),
                    ("distributed", "sold"),
                    ("returned", "returned by its buyers"),
                    ("duplicate", "duplicate of an earlier lead"),
                    ("failed", "needs a person"),
                    ("expired", "expired"),
                    ("cancelled", "cancelled"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="dispatch_mode",
            field=models.CharField(
                choices=[
                    ("poll", "poll: workers look for due leads in PostgreSQL periodically"),
                    (
                        "shadow",
                        "shadow: like poll; an index in Redis is also written and compared, but not used",
                    ),
                    ("event", "event: the dispatcher starts leads when they are due"),
                ],
                db_default="poll",
                default=routing.models.workspace.new_dispatch_mode,
                help_text="How its due leads are found. You can change this at any time: docs/dispatch-rollout.md.",
                max_length=6,
            ),
        ),
    ]
