"""Help texts and labels in plain words. Changes no table."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import routing.models.workspace
import routing.validators
import routing.values.opening_hours


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0030_no_cycle"),
    ]

    operations = [
        migrations.AlterField(
            model_name="dispatchcontrol",
            name="paused_at",
            field=models.DateTimeField(
                blank=True, help_text="While set, no lead is distributed in any workspace.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="cancel_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Why it was cancelled, if a reason was given.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="due_reason",
            field=models.CharField(blank=True, help_text="Why the lead is due at that time.", max_length=50),
        ),
        migrations.AlterField(
            model_name="lead",
            name="errors",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Attempts in a row that ended with an error in LeadSwitch.",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="intake_notes",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                editable=False,
                help_text="Values that intake dropped or corrected, as field:code.",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="locked_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="The worker that holds the claim.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="lost_leases",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="Workers lost in a row while trying this lead."
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="paused_at",
            field=models.DateTimeField(
                blank=True,
                help_text="While set, the lead keeps its due time and is not tried until it is resumed.",
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
                    ("duplicate", "came in before"),
                    ("failed", "needs a person"),
                    ("expired", "time to live is over"),
                    ("cancelled", "cancelled"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="wakes_full_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When all six of its early retries are available again. One comes back every ten minutes.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="leadallowance",
            name="asked_by",
            field=models.CharField(
                choices=[
                    ("sender", "its sender, with dispatch-now"),
                    ("operator", "an operator, with a re-run"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="active",
            field=models.BooleanField(default=True, help_text="Inactive rules are ignored."),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="conditions",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Which leads this rule routes, e.g. {"all": [{"field": "state", "op": "eq", "value": "GA"}, {"field": "revenue", "op": "gte", "value": 1000000}]}. Empty: every lead.',
                validators=[routing.validators.check_condition],
            ),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="destination",
            field=models.ForeignKey(
                help_text="The workspace the lead goes to. That workspace's rules are checked next.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="incoming_rules",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="name",
            field=models.CharField(
                help_text="Shown in the trace of each lead the rule routes, so say what the rule is for.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="priority",
            field=models.IntegerField(
                default=0,
                help_text="The rule with the highest priority is checked first. If two are equal, the older one is.",
            ),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=30),
                blank=True,
                default=list,
                help_text="Tags for reports, separated by commas. They appear in the trace of each lead that this rule routed.",
                size=None,
                validators=[routing.validators.check_tags],
            ),
        ),
        migrations.AlterField(
            model_name="routingrule",
            name="workspace",
            field=models.ForeignKey(
                help_text="The workspace whose leads this rule applies to.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rules",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="active",
            field=models.BooleanField(
                default=True,
                help_text="If unchecked, its keys are refused. Uncheck it instead of deleting the source.",
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="default_vertical",
            field=models.CharField(
                blank=True,
                help_text="Used for leads from this source that have no vertical. Blank: leads without a vertical are refused.",
                max_length=50,
                validators=[routing.validators.check_vertical],
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="intake_mode",
            field=models.CharField(
                choices=[
                    ("lenient", "lenient: an optional field that is not valid is dropped, with a warning"),
                    ("strict", "strict: a lead with any invalid or unknown field is refused"),
                ],
                db_default="lenient",
                default="lenient",
                help_text="Lenient: a lead is refused only if it has no location, no vertical or no way to reach the person. Unknown fields become attributes. The response lists dropped and corrected values as warnings.",
                max_length=7,
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="name",
            field=models.SlugField(
                help_text="Conditions refer to it as `source`. Next: issue a key under Source keys so that it can send leads."
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="workspace",
            field=models.ForeignKey(
                help_text="The workspace that receives this source's leads.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sources",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="sourcekey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        (
                            "leads:write",
                            "leads:write: send leads, cancel them, and have waiting leads tried now",
                        ),
                        (
                            "leads:read",
                            "leads:read: look up its own leads and why they were or were not sold",
                        ),
                        (
                            "trace",
                            "trace: the full trace of its own leads, with buyer names, prices and balances",
                        ),
                    ],
                    max_length=20,
                ),
                default=routing.models.workspace.default_source_scopes,
                help_text="What this key may do. Grant trace only to people who are allowed to see the workspace's buyers.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="wakeup",
            name="hours",
            field=models.PositiveSmallIntegerField(
                help_text="Leads received more than this many hours ago are not retried early."
            ),
        ),
        migrations.AlterField(
            model_name="wakeup",
            name="matched",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Leads found when the change was made, up to 10,001."
            ),
        ),
        migrations.AlterField(
            model_name="wakeup",
            name="reasons",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                help_text="Skip reasons that this change may have removed.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="wakeup",
            name="snapshot",
            field=models.TextField(
                db_default="",
                default="",
                help_text="Which transactions were finished when this was written, as a pg_snapshot.",
            ),
        ),
        migrations.AlterField(
            model_name="wakeup",
            name="transaction",
            field=models.BigIntegerField(
                help_text="PostgreSQL's id of the transaction that made the change."
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="dispatch_mode",
            field=models.CharField(
                choices=[
                    ("poll", "poll: workers look for due leads in PostgreSQL periodically"),
                    ("shadow", "shadow: as poll, and the index in Redis is kept and compared but not used"),
                    ("event", "event: the dispatcher starts leads when they are due"),
                ],
                db_default="poll",
                default=routing.models.workspace.new_dispatch_mode,
                help_text="How its due leads are found. You can change this at any time: docs/dispatch-rollout.md.",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="duplicate_days",
            field=models.PositiveIntegerField(
                db_default=30,
                default=30,
                help_text="How many days back to look for the same person.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="duplicate_same_vertical",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="If checked, only leads of the same vertical are compared. The person can ask for something else.",
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="duplicate_scope",
            field=models.CharField(
                choices=[
                    ("off", "off: only the same lead sent again by the same source within a minute"),
                    ("workspace", "workspace: leads of this workspace"),
                    (
                        "partners",
                        "partners: leads of this workspace and of workspaces connected by routing rules",
                    ),
                    ("everywhere", "everywhere: leads of every workspace in this installation"),
                ],
                db_default="partners",
                default="partners",
                help_text="A lead is a duplicate if a lead of the same person (same email or phone) was already sold, or was received earlier and is still open. This sets which leads are compared.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="hours",
            field=models.JSONField(
                blank=True,
                help_text='When its leads are distributed, in its time zone: {"mon": [["09:00", "17:00"]]}. Empty: always.',
                null=True,
                validators=[routing.values.opening_hours.check_hours],
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="kind",
            field=models.CharField(
                choices=[
                    ("agency", "agency: owns campaigns and buyers"),
                    ("partner", "partner: sends or receives leads"),
                ],
                default="agency",
                help_text="An agency sells leads in its own campaigns. A partner only sends or receives them.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="lead_ttl_days",
            field=models.PositiveIntegerField(
                default=90,
                help_text="An unsold lead expires this many days after it was received.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="max_attempts",
            field=models.PositiveSmallIntegerField(
                db_default=3,
                default=3,
                help_text="After this many errors in a row in LeadSwitch, a lead is marked as failed and no longer tried.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(20),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="name",
            field=models.CharField(
                help_text="The name people know it by. Next: add a source, buyers and a campaign.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="paused_at",
            field=models.DateTimeField(
                blank=True,
                help_text="While set, leads are accepted but not distributed. Clear it to resume.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="slug",
            field=models.SlugField(
                help_text="Short name for the command line, e.g. `sunbelt`. Unique. Filled in from the name.",
                unique=True,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="The workspace's time zone: an IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[routing.values.opening_hours.check_timezone],
            ),
        ),
        migrations.AlterConstraint(
            model_name="routingrule",
            name="rule_leads_elsewhere",
            constraint=models.CheckConstraint(
                condition=models.Q(("workspace", models.F("destination")), _negated=True),
                name="rule_leads_elsewhere",
                violation_error_message="A rule cannot route leads to its own workspace. Choose another destination.",
            ),
        ),
    ]
