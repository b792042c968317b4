"""Adds the fields that a workspace approves, and the changes of buyers that wait for that or were decided.

The new kind of event changes only choices: no statement runs for it.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models

import distribution.models.encrypted


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0075_time_outs_checked"),
        ("routing", "0052_pings_used_once"),
    ]

    operations = [
        migrations.AlterField(
            model_name="endpoint",
            name="events",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("lead.sold", "lead.sold: a lead was sold"),
                        ("lead.unsold", "lead.unsold: a lead ended without a sale"),
                        ("lead.returned", "lead.returned: a sold lead was returned"),
                        ("lead.status_changed", "lead.status_changed: a lead has another status"),
                        ("assignment.delivered", "assignment.delivered: a buyer's system accepted a lead"),
                        ("assignment.rejected", "assignment.rejected: a buyer's system rejected a lead"),
                        ("wallet.low", "wallet.low: a wallet fell below its limit for a notice"),
                        (
                            "cap.reached",
                            "cap.reached: a buyer has all leads that its cap or budget allows in a period",
                        ),
                        (
                            "change.decided",
                            "change.decided: the agency approved or declined a buyer's change",
                        ),
                        ("campaign.unsold", "campaign.unsold: no buyer of a campaign could take a lead"),
                    ],
                    max_length=30,
                ),
                blank=True,
                db_default=[],
                default=list,
                help_text="Which events it gets. An endpoint for leads has none.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("lead.sold", "lead.sold: a lead was sold"),
                    ("lead.unsold", "lead.unsold: a lead ended without a sale"),
                    ("lead.returned", "lead.returned: a sold lead was returned"),
                    ("lead.status_changed", "lead.status_changed: a lead has another status"),
                    ("assignment.delivered", "assignment.delivered: a buyer's system accepted a lead"),
                    ("assignment.rejected", "assignment.rejected: a buyer's system rejected a lead"),
                    ("wallet.low", "wallet.low: a wallet fell below its limit for a notice"),
                    (
                        "cap.reached",
                        "cap.reached: a buyer has all leads that its cap or budget allows in a period",
                    ),
                    ("change.decided", "change.decided: the agency approved or declined a buyer's change"),
                    ("campaign.unsold", "campaign.unsold: no buyer of a campaign could take a lead"),
                ],
                max_length=30,
            ),
        ),
        migrations.CreateModel(
            name="ApprovalPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("timezone", "time zone"),
                                ("contact", "contact"),
                                ("service_area", "service area"),
                                ("hours", "hours"),
                                ("answers", "answers"),
                                ("notice_below_cents", "notice below"),
                                ("bid_cents", "bid"),
                                ("lead_filter", "lead filter"),
                                ("caps", "lead caps"),
                                ("budgets_cents", "budgets"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        help_text="A change of one of these waits until an operator approves it. A new name always waits. Pauses never wait.",
                        size=None,
                    ),
                ),
                (
                    "workspace",
                    models.OneToOneField(
                        help_text="The workspace whose buyers these rules are for.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval_policy",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval policy",
                "verbose_name_plural": "approval policies",
                "db_table": "distribution_approvalpolicy",
            },
        ),
        migrations.CreateModel(
            name="ChangeProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                ("part", models.CharField(max_length=20)),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), help_text="What it changes.", size=None
                    ),
                ),
                ("patch", distribution.models.encrypted.EncryptedJSONField()),
                (
                    "base_version",
                    models.CharField(help_text="The version that the buyer changed.", max_length=64),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("approved", "approved"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn by the buyer"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("asked_by", models.CharField(max_length=150)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_by", models.CharField(blank=True, default="", max_length=150)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=200)),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proposals",
                        to="distribution.enrollment",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a buyer",
                "verbose_name_plural": "changes of buyers",
                "db_table": "distribution_changeproposal",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approvalpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of policy % cannot be changed. Add one to the other workspace.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="077d3ba758029929630f8e0064612b7cb7e145f6",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_96539",
                    table="distribution_approvalpolicy",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="changeproposal",
            index=models.Index(fields=["buyer", "-id"], name="changeproposal_buyer"),
        ),
        migrations.AddIndex(
            model_name="changeproposal",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["id"], name="changeproposal_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="changeproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("state", "waiting")),
                    models.Q(models.Q(("state", "waiting"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="changeproposal_decided_iff_not_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="changeproposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")),
                fields=("buyer", "part", "enrollment"),
                name="changeproposal_one_waits",
                nulls_distinct=False,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="changeproposal",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id, NEW.enrollment_id) IS DISTINCT FROM ROW(OLD.buyer_id, OLD.enrollment_id))",
                    func="\n            RAISE EXCEPTION 'The buyer and enrollment of change % cannot be changed. The other buyer asks for its own change.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="517949a4969ca5cd65a2e1af510cb2d579fcf8a1",
                    operation='UPDATE OF "buyer_id", "enrollment_id"',
                    pgid="pgtrigger_owner_is_fixed_adf1b",
                    table="distribution_changeproposal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="changeproposal",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_decision",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'waiting' AND NEW.state IN ('approved', 'declined'))",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    PERFORM distribution_emit(\n        'change.decided', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_buyer WHERE id = NEW.buyer_id), NULL, NULL, NULL,\n        jsonb_build_object(\n            'change_id', NEW.public_id, 'decision', NEW.state, 'fields', NEW.fields,\n            'decision_reason', NEW.decision_reason\n        ), NULL\n    );\n RETURN NULL;",
                    hash="c1834ff45bad95d3cd098d0a4a71413bf19afe7b",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_event_of_decision_8ae42",
                    table="distribution_changeproposal",
                    when="AFTER",
                ),
            ),
        ),
    ]
