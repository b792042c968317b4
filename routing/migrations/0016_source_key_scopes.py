"""Keys of sources: scopes, and ids that are not made of the hash. How often a lead may be tried on request.

Keys that exist may do what they could, but for the trace, which shows buyers: an operator grants that.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import routing.models.apikey
import routing.models.workspace
from routing.migrations import _key_ids


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("tracing", "0006_attempt_append_only"),
        ("routing", "0015_definitions"),
    ]

    operations = [
        migrations.AddField(
            model_name="sourcekey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("leads:write", "leads:write: send leads, cancel them, have waiting ones tried now"),
                        ("leads:read", "leads:read: look up its own leads, and why they were sold or not"),
                        (
                            "trace",
                            "trace: the full trace of its own leads, with the buyers' names, prices and balances",
                        ),
                    ],
                    max_length=20,
                ),
                default=routing.models.workspace.default_source_scopes,
                help_text="What this key may do. Grant trace only to people who may see the workspace's buyers.",
                size=None,
            ),
        ),
        migrations.CreateModel(
            name="LeadAllowance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "asked_by",
                    models.CharField(
                        choices=[
                            ("sender", "its sender, by dispatch-now"),
                            ("operator", "an operator, by a re-run"),
                        ],
                        max_length=8,
                    ),
                ),
                ("full_at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="routing.lead"
                    ),
                ),
            ],
            options={
                "db_table": "routing_leadallowance",
                "constraints": [
                    models.UniqueConstraint(fields=("lead", "asked_by"), name="leadallowance_lead_asked_by")
                ],
            },
        ),
        migrations.RunSQL(
            _key_ids.forward(app="routing", model="sourcekey"),
            _key_ids.backward(app="routing", model="sourcekey"),
        ),
        migrations.AlterField(
            model_name="sourcekey",
            name="id",
            field=models.CharField(
                default=routing.models.apikey.new_key_id,
                editable=False,
                max_length=150,
                primary_key=True,
                serialize=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="sourcekey",
            constraint=models.CheckConstraint(
                condition=models.Q(("scopes", []), _negated=True), name="sourcekey_has_a_scope"
            ),
        ),
        migrations.AddConstraint(
            model_name="sourcekey",
            constraint=models.CheckConstraint(
                condition=models.Q(("id__contains", "$"), _negated=True), name="sourcekey_id_is_no_hash"
            ),
        ),
    ]
