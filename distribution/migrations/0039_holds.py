"""Sales whose money is held until the buyer's system answers. Instant on a table of any size."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0038_refunds_within_charge"),
        ("routing", "0045_posting"),
    ]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it allows more"}

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="assignment",
            name="wake_on_return",
        ),
        migrations.RemoveConstraint(
            model_name="assignment",
            name="assignment_returned_at_iff_returned",
        ),
        migrations.RemoveConstraint(
            model_name="assignment",
            name="assignment_real_sale_is_counted",
        ),
        migrations.AddField(
            model_name="assignment",
            name="reject_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                editable=False,
                help_text="The buyer's own words, without personal data.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="settled_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the buyer's system accepted or rejected the lead.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="state",
            field=models.CharField(
                choices=[
                    ("sold", "sold"),
                    ("held", "waiting for the buyer's system"),
                    ("rejected", "rejected by the buyer's system"),
                    ("returned", "returned"),
                ],
                default="sold",
                max_length=10,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_return",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state IN ('returned', 'rejected') AND OLD.state <> NEW.state AND NOT NEW.is_counted AND NOT NEW.is_test)",
                    declare="DECLARE cause text; reasons text[];",
                    func="cause := CASE NEW.state WHEN 'returned' THEN 'sale_returned' ELSE 'sale_rejected' END; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NEW.buyer_id, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="85c9f9c021630bd5dea21caad4b1d375f6b29ee8",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_wake_on_return_4d133",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("returned_at__isnull", True), ("state__in", ["sold", "held", "rejected"])),
                    models.Q(("returned_at__isnull", False), ("state", "returned")),
                    _connector="OR",
                ),
                name="assignment_returned_at_iff_returned",
            ),
        ),
        AddConstraintNotValid(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_counted", True),
                    models.Q(("state__in", ("sold", "held")), _negated=True),
                    ("is_test", True),
                    _connector="OR",
                ),
                name="assignment_real_sale_is_counted",
            ),
        ),
        AddConstraintNotValid(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", False), ("state", "held"), _negated=True),
                    models.Q(("settled_at__isnull", True), ("state", "rejected"), _negated=True),
                ),
                name="assignment_settled_at_fits_state",
            ),
        ),
    ]
