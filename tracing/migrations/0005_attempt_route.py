"""The way of a lead, and the lead that made it a duplicate.

The constraint holds for new rows alone: no older row is a duplicate, and the big table is not read under a lock. Nor
does a way back and forth get stuck at duplicates whose column was dropped in between.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0004_attempt_workspace"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="first_lead_id",
            field=models.BigIntegerField(
                help_text="Of a duplicate: the lead of the same person that came first.", null=True
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="route",
            field=models.JSONField(
                db_default=[],
                default=list,
                help_text="How it came there: [from workspace, rule, to workspace] of each step.",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="rule_id",
            field=models.BigIntegerField(
                help_text="The routing rule that led to the destination.", null=True
            ),
        ),
        AddConstraintNotValid(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("result", "duplicate"), _negated=True),
                    ("first_lead_id__isnull", False),
                    _connector="OR",
                ),
                name="attempt_duplicate_has_first",
            ),
        ),
    ]
