"""Adds the keys of workspaces: an agency's own programs decide about returns and deliveries."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import distribution.models.workspacekey
import routing.models.apikey


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0052_events_of_attempts"),
        ("routing", "0047_payables_scope"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkspaceKey",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=routing.models.apikey.new_key_id,
                        editable=False,
                        max_length=150,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=8, unique=True)),
                ("hashed_key", models.CharField(editable=False, max_length=150)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "name",
                    models.CharField(
                        default=None, help_text="Where the key is used. At most 50 characters.", max_length=50
                    ),
                ),
                (
                    "revoked",
                    models.BooleanField(
                        blank=True,
                        default=False,
                        help_text="A revoked key is rejected. You cannot undo this.",
                    ),
                ),
                (
                    "expiry_date",
                    models.DateTimeField(
                        blank=True,
                        help_text="The key is rejected from this time on. Leave blank if it never expires.",
                        null=True,
                        verbose_name="Expires",
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                (
                                    "returns:read",
                                    "returns:read: the returns of all buyers, with their evidence",
                                ),
                                (
                                    "returns:decide",
                                    "returns:decide: approve and decline returns, take leads back",
                                ),
                                (
                                    "deliveries:read",
                                    "deliveries:read: deliveries with every request, with contact details",
                                ),
                                (
                                    "deliveries:decide",
                                    "deliveries:decide: decide about deliveries, send them again",
                                ),
                            ],
                            max_length=20,
                        ),
                        default=distribution.models.workspacekey.default_workspace_scopes,
                        help_text="What this key may do. With a scope that decides, a program refunds money without a person.",
                        size=None,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        help_text="The key works for all buyers of this workspace.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="keys",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "workspace key",
                "verbose_name_plural": "workspace keys",
                "db_table": "distribution_workspacekey",
                "ordering": ("-created",),
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scopes", []), _negated=True), name="workspacekey_has_a_scope"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("id__contains", "$"), _negated=True),
                        name="workspacekey_id_is_no_hash",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="workspacekey",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of key % cannot be changed. Revoke it and issue a key for the other workspace.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="ab6a651fb83267b00d617c2d156e2372a679c0fe",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_3018f",
                    table="distribution_workspacekey",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="workspacekey",
            trigger=pgtrigger.compiler.Trigger(
                name="revoked_key_stays_revoked",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.revoked AND NOT NEW.revoked)",
                    func="\n            RAISE EXCEPTION 'Key % is revoked and stays revoked. Issue a new key.', OLD.prefix\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'revoked_key_stays_revoked', TABLE = TG_TABLE_NAME;\n        ",
                    hash="53fca815ea68e8408cac671b85a640af0b71207d",
                    operation='UPDATE OF "revoked"',
                    pgid="pgtrigger_revoked_key_stays_revoked_77a19",
                    table="distribution_workspacekey",
                    when="BEFORE",
                ),
            ),
        ),
    ]
