"""Offered leads have a due time: their offer closes then. Instant on a table of any size."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

TIMED = ("pending", "offered")


class Migration(migrations.Migration):
    dependencies = [("routing", "0052_pings_used_once")]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it allows more"}

    operations = [
        migrations.RemoveConstraint(model_name="lead", name="lead_due_exactly_while_pending"),
        migrations.RemoveConstraint(model_name="lead", name="lead_posting_since"),
        migrations.AlterField(
            model_name="lead",
            name="is_partly_sold",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="A buyer has accepted or claimed the lead while others may still get it.",
            ),
        ),
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("next_attempt_at__isnull", False), ("status__in", TIMED)),
                    models.Q(
                        models.Q(("status__in", TIMED), _negated=True),
                        ("next_attempt_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="lead_due_exactly_while_pending",
            ),
        ),
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("posting_since__isnull", False),
                    models.Q(
                        models.Q(("status", "posting"), _negated=True),
                        models.Q(("is_partly_sold", False), ("status", "offered"), _connector="OR"),
                    ),
                    _connector="OR",
                ),
                name="lead_posting_since",
            ),
        ),
    ]
