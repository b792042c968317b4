"""Routing rules, and what a workspace takes for a duplicate."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models

import routing.validators


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0004_help_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                (
                    "name",
                    models.CharField(help_text="The trace names it, so say what it is for.", max_length=100),
                ),
                (
                    "priority",
                    models.IntegerField(
                        default=0, help_text="The highest is asked first; of two equal ones the older."
                    ),
                ),
                ("active", models.BooleanField(default=True, help_text="Off: it is not asked.")),
                (
                    "conditions",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Which leads it takes, e.g. {"all": [{"field": "state", "op": "eq", "value": "GA"}, {"field": "revenue", "op": "gte", "value": 1000000}]}. Empty: every lead.',
                        validators=[routing.validators.check_condition],
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30),
                        blank=True,
                        default=list,
                        help_text="Words for reports, separated by commas. They stand in the trace of every lead it sent on.",
                        size=None,
                        validators=[routing.validators.check_tags],
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "db_table": "routing_rule",
            },
        ),
        migrations.AddField(
            model_name="workspace",
            name="duplicate_days",
            field=models.PositiveIntegerField(
                db_default=30,
                default=30,
                help_text="How far to look back: a lead that came in earlier than this many days before makes no duplicate.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="duplicate_same_vertical",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="On: the same person may ask for something else; only leads of the same vertical are compared.",
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="duplicate_scope",
            field=models.CharField(
                choices=[
                    ("off", "off: only a resend by the same source within a minute"),
                    ("workspace", "workspace: leads of this workspace"),
                    (
                        "partners",
                        "partners: leads of this workspace and of all that routing rules connect with it",
                    ),
                    ("everywhere", "everywhere: leads of every workspace of this installation"),
                ],
                db_default="partners",
                default="partners",
                help_text="A lead that is to be sold here is a duplicate when the same person (same e-mail or same phone) was sold before, or came in earlier and is still being worked on, among these leads.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="rules_version",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name="workspace",
            constraint=models.CheckConstraint(
                condition=models.Q(("duplicate_days__gte", 1)), name="workspace_duplicate_days_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="workspace",
            constraint=models.CheckConstraint(
                condition=models.Q(("duplicate_scope__in", ["off", "workspace", "partners", "everywhere"])),
                name="workspace_duplicate_scope_known",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="destination",
            field=models.ForeignKey(
                help_text="Where the lead goes. It then meets the rules of that workspace.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="incoming_rules",
                to="routing.workspace",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="workspace",
            field=models.ForeignKey(
                help_text="Whose leads it is asked about.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rules",
                to="routing.workspace",
            ),
        ),
        migrations.AddIndex(
            model_name="routingrule",
            index=models.Index(
                condition=models.Q(("active", True)),
                fields=["workspace", "-priority", "id"],
                name="rule_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.UniqueConstraint(
                fields=("workspace", "name"), name="rule_workspace_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("workspace", models.F("destination")), _negated=True),
                name="rule_leads_elsewhere",
                violation_error_message="A rule sends leads to another workspace: choose another destination.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="one_at_a_time",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="PERFORM pg_advisory_xact_lock(30526232918254963); RETURN NULL;",
                    hash="13dc192ac9e9d4b2e4fa37a878c6490d23a9bf90",
                    level="STATEMENT",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_one_at_a_time_d6383",
                    table="routing_rule",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="no_ring",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE is_ring boolean; hops_before int; hops_after int;",
                    func="\n    IF NOT NEW.active THEN\n        RETURN NULL;\n    END IF;\n    WITH RECURSIVE onward(id, hops) AS (\n        SELECT NEW.destination_id, 1\n        UNION\n        SELECT r.destination_id, o.hops + 1 FROM onward o JOIN routing_rule r ON r.workspace_id = o.id AND r.active\n        WHERE o.hops <= 8 AND o.id <> NEW.workspace_id\n    )\n    SELECT bool_or(id = NEW.workspace_id), max(hops) INTO is_ring, hops_after FROM onward;\n    IF is_ring THEN\n        RAISE EXCEPTION 'rule % makes a ring: its leads would come back to workspace %', NEW.id, NEW.workspace_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_makes_no_ring', TABLE = 'routing_rule';\n    END IF;\n    WITH RECURSIVE before(id, hops) AS (\n        SELECT NEW.workspace_id, 0\n        UNION\n        SELECT r.workspace_id, b.hops + 1 FROM before b JOIN routing_rule r ON r.destination_id = b.id AND r.active\n        WHERE b.hops <= 8\n    )\n    SELECT max(hops) INTO hops_before FROM before;\n    IF hops_before + hops_after > 8 THEN\n        RAISE EXCEPTION 'rule % makes a path of more than 8 rules', NEW.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_path_is_short', TABLE = 'routing_rule';\n    END IF;\n    RETURN NULL;\n",
                    hash="8ac92b3e14cee1a5416454cfe626a9c4a601a3cc",
                    operation='INSERT OR UPDATE OF "workspace_id", "active", "destination_id"',
                    pgid="pgtrigger_no_ring_a540f",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE upstream bigint[];",
                    func="\n        upstream := ARRAY(\n            WITH RECURSIVE reached(id) AS (\n                SELECT unnest(ARRAY[NEW.workspace_id])\n                UNION\n                SELECT r.workspace_id FROM reached JOIN routing_rule r ON r.destination_id = reached.id AND r.active\n            )\n            SELECT id FROM reached\n        );\n        PERFORM 1 FROM routing_workspace WHERE id = ANY(upstream) ORDER BY id FOR NO KEY UPDATE;\n        UPDATE routing_workspace SET rules_version = rules_version + 1 WHERE id = ANY(upstream);\n        RETURN NULL;\n    ",
                    hash="faba94cf199421347e76332a2624ea5527a95d35",
                    operation="INSERT",
                    pgid="pgtrigger_version_on_insert_e7cd9",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE upstream bigint[];",
                    func="\n        upstream := ARRAY(\n            WITH RECURSIVE reached(id) AS (\n                SELECT unnest(ARRAY[OLD.workspace_id])\n                UNION\n                SELECT r.workspace_id FROM reached JOIN routing_rule r ON r.destination_id = reached.id AND r.active\n            )\n            SELECT id FROM reached\n        );\n        PERFORM 1 FROM routing_workspace WHERE id = ANY(upstream) ORDER BY id FOR NO KEY UPDATE;\n        UPDATE routing_workspace SET rules_version = rules_version + 1 WHERE id = ANY(upstream);\n        RETURN NULL;\n    ",
                    hash="05dd7699e26d864ce2262866b27969af317184e6",
                    operation="DELETE",
                    pgid="pgtrigger_version_on_delete_fd53e",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="version_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE upstream bigint[];",
                    func="IF NOT (ROW(OLD.workspace_id, OLD.name, OLD.priority, OLD.active, OLD.conditions, OLD.destination_id, OLD.tags) IS DISTINCT FROM ROW(NEW.workspace_id, NEW.name, NEW.priority, NEW.active, NEW.conditions, NEW.destination_id, NEW.tags)) THEN RETURN NULL; END IF;\n        upstream := ARRAY(\n            WITH RECURSIVE reached(id) AS (\n                SELECT unnest(ARRAY[OLD.workspace_id, NEW.workspace_id])\n                UNION\n                SELECT r.workspace_id FROM reached JOIN routing_rule r ON r.destination_id = reached.id AND r.active\n            )\n            SELECT id FROM reached\n        );\n        PERFORM 1 FROM routing_workspace WHERE id = ANY(upstream) ORDER BY id FOR NO KEY UPDATE;\n        UPDATE routing_workspace SET rules_version = rules_version + 1 WHERE id = ANY(upstream);\n        RETURN NULL;\n    ",
                    hash="980fe95ccfb1098c9569c5edee7f2fffcf825137",
                    operation='UPDATE OF "workspace_id", "name", "priority", "active", "conditions", "destination_id", "tags"',
                    pgid="pgtrigger_version_on_update_95a34",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
    ]
