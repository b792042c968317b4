"""Leads that wait for a buyer's system. Instant on a table of any size."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0044_test_leads_indexed")]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it allows more"}

    operations = [
        migrations.RemoveConstraint(
            model_name="lead",
            name="lead_finished_at_iff_finished",
        ),
        migrations.AddField(
            model_name="lead",
            name="is_partly_sold",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="A buyer has accepted the lead while others are still asked.",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="posting_since",
            field=models.DateTimeField(
                editable=False,
                help_text="When the first buyer's system was asked. Set until the lead is finished.",
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
                    ("posting", "waiting for a buyer's system"),
                    ("distributed", "sold"),
                    ("returned", "returned by its buyers"),
                    ("duplicate", "duplicate of an earlier lead"),
                    ("failed", "needs an operator to run it again"),
                    ("expired", "expired"),
                    ("cancelled", "canceled"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lead",
            trigger=pgtrigger.compiler.Trigger(
                name="end_of_posting",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.finished_at IS NOT NULL AND (NEW.posting_since IS NOT NULL OR NEW.is_partly_sold))",
                    func="\n            IF NEW.is_partly_sold AND NEW.status <> 'distributed' THEN\n                NEW.status := 'distributed'; NEW.skip_reason := ''; NEW.due_reason := ''; NEW.cancel_reason := '';\n            END IF;\n            NEW.posting_since := NULL; NEW.is_partly_sold := FALSE;\n            RETURN NEW;\n        ",
                    hash="65734e7e0120b20ee93636633d37728e41ac6448",
                    operation="UPDATE",
                    pgid="pgtrigger_end_of_posting_24266",
                    table="routing_lead",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("finished_at__isnull", True),
                        ("status__in", ("pending", "calling", "gated", "offered", "posting")),
                    ),
                    models.Q(
                        models.Q(
                            ("status__in", ("pending", "calling", "gated", "offered", "posting")),
                            _negated=True,
                        ),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="lead_finished_at_iff_finished",
            ),
        ),
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("posting_since__isnull", False),
                    models.Q(models.Q(("status", "posting"), _negated=True), ("is_partly_sold", False)),
                    _connector="OR",
                ),
                name="lead_posting_since",
            ),
        ),
    ]
