import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models

import distribution.configuration.return_reasons
import distribution.models.buyerkey


class Migration(migrations.Migration):
    """New tables. Reversed, the requests are lost; refunds stay in the ledger."""

    dependencies = [
        ("distribution", "0036_test_sales_are_not_counted"),
        ("routing", "0044_test_leads_indexed"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReturnPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "active",
                    models.BooleanField(
                        default=True,
                        help_text="If unchecked, these buyers cannot ask for returns. Operators still can return leads.",
                    ),
                ),
                (
                    "window_hours",
                    models.PositiveIntegerField(
                        default=72,
                        help_text="How many hours after the sale a return can be requested.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(8760),
                        ],
                    ),
                ),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("bad_phone", "wrong or disconnected phone number"),
                                ("bad_email", "email address that bounces"),
                                ("fake", "made-up person or joke"),
                                ("duplicate", "we bought this person from you before"),
                                ("out_of_area", "outside our service area"),
                                ("wrong_vertical", "wants another kind of service"),
                                ("no_consent", "did not agree to be contacted"),
                                ("test", "test entry"),
                                ("not_a_customer", "job seeker or solicitor"),
                                ("no_answer", "does not answer"),
                                ("changed_mind", "no longer interested"),
                                ("price", "our price was too high"),
                                ("chose_another", "hired another company"),
                                ("called_late", "we called too late"),
                                ("already_ours", "already our customer"),
                            ],
                            max_length=20,
                        ),
                        default=distribution.configuration.return_reasons.accepted_reasons,
                        help_text="The reasons for which a return can be requested.",
                        size=None,
                    ),
                ),
                (
                    "evidence",
                    models.CharField(
                        choices=[("none", "none"), ("text", "a text"), ("file", "a file")],
                        default="text",
                        help_text="What a request must include.",
                        max_length=4,
                    ),
                ),
                (
                    "limit_basis",
                    models.CharField(
                        choices=[
                            ("none", "no limit"),
                            ("leads", "a number of leads"),
                            ("leads_percent", "a percentage of the leads bought"),
                            ("revenue_percent", "a percentage of the money spent"),
                        ],
                        default="none",
                        help_text="What is limited in each period. A return counts in the period in which its lead was sold.",
                        max_length=15,
                        verbose_name="limit",
                    ),
                ),
                (
                    "limit_value",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Number of leads, or percent. A percentage of leads is rounded up.",
                        null=True,
                    ),
                ),
                (
                    "limit_period",
                    models.CharField(
                        choices=[
                            ("day", "day"),
                            ("week", "week, starting Monday"),
                            ("month", "calendar month"),
                        ],
                        default="month",
                        help_text="The period of the limit, in the buyer's time zone.",
                        max_length=5,
                    ),
                ),
                (
                    "automatic_reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("bad_phone", "wrong or disconnected phone number"),
                                ("bad_email", "email address that bounces"),
                                ("fake", "made-up person or joke"),
                                ("duplicate", "we bought this person from you before"),
                                ("out_of_area", "outside our service area"),
                                ("wrong_vertical", "wants another kind of service"),
                                ("no_consent", "did not agree to be contacted"),
                                ("test", "test entry"),
                                ("not_a_customer", "job seeker or solicitor"),
                                ("no_answer", "does not answer"),
                                ("changed_mind", "no longer interested"),
                                ("price", "our price was too high"),
                                ("chose_another", "hired another company"),
                                ("called_late", "we called too late"),
                                ("already_ours", "already our customer"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        help_text="Requests for these reasons are approved and refunded at once. None: an operator decides each.",
                        size=None,
                    ),
                ),
                (
                    "automatic_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Approve at once only this many hours after the sale. Blank: at any time.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(8760),
                        ],
                    ),
                ),
                (
                    "automatic_percent",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="A partial refund is approved at once only if all refunds of the lead, with this one, are at most this percentage of its price. Blank: an operator decides each partial refund.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(99),
                        ],
                    ),
                ),
                (
                    "resells",
                    models.BooleanField(
                        default=False, help_text="Offer a returned lead once to the buyers that never had it."
                    ),
                ),
                (
                    "resale_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Offer it only this many hours after it was received. Blank: at any age.",
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "buyer",
                    models.OneToOneField(
                        blank=True,
                        help_text="Blank: every buyer of the workspace that has no policy of its own.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="return_policy",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        help_text="The workspace whose buyers these rules are for.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="return_policies",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "return policies",
                "db_table": "distribution_returnpolicy",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("buyer__isnull", True)),
                        fields=("workspace",),
                        name="return_policy_one_default",
                        violation_error_message="This workspace already has a policy for all buyers. Change that one.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("limit_basis", "none"), ("limit_value__isnull", True)),
                            models.Q(("limit_basis", "leads"), ("limit_value__isnull", False)),
                            models.Q(
                                ("limit_basis__in", ["leads_percent", "revenue_percent"]),
                                ("limit_value__isnull", False),
                                ("limit_value__lte", 100),
                            ),
                            _connector="OR",
                        ),
                        name="return_policy_limit_fits",
                        violation_error_message="Enter a value with a limit, at most 100 percent. Without one, leave it blank.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("window_hours__gte", 1), ("window_hours__lte", 8760)),
                        name="return_policy_window_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reasons", []), _negated=True), name="return_policy_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("automatic_percent__isnull", True),
                            models.Q(("automatic_percent__gte", 1), ("automatic_percent__lte", 99)),
                            _connector="OR",
                        ),
                        name="return_policy_automatic_percent_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReturnRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "waiting for review"),
                            ("approved", "approved"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="requested",
                        max_length=9,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("bad_phone", "wrong or disconnected phone number"),
                            ("bad_email", "email address that bounces"),
                            ("fake", "made-up person or joke"),
                            ("duplicate", "we bought this person from you before"),
                            ("out_of_area", "outside our service area"),
                            ("wrong_vertical", "wants another kind of service"),
                            ("no_consent", "did not agree to be contacted"),
                            ("test", "test entry"),
                            ("not_a_customer", "job seeker or solicitor"),
                            ("no_answer", "does not answer"),
                            ("changed_mind", "no longer interested"),
                            ("price", "our price was too high"),
                            ("chose_another", "hired another company"),
                            ("called_late", "we called too late"),
                            ("already_ours", "already our customer"),
                            ("agency", "taken back by the agency"),
                        ],
                        max_length=20,
                    ),
                ),
                ("text", models.CharField(blank=True, max_length=2000, verbose_name="evidence")),
                ("asked_cents", models.PositiveBigIntegerField(null=True)),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("requested_by", models.CharField(max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("decision_reason", models.CharField(blank=True, max_length=200, verbose_name="why")),
                ("is_automatic", models.BooleanField(default=False, verbose_name="approved at once")),
                ("is_full", models.BooleanField(null=True)),
                ("refund_cents", models.PositiveBigIntegerField(null=True)),
                ("is_resold", models.BooleanField(default=False, verbose_name="offered to other buyers")),
                (
                    "assignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="distribution.assignment",
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.lead",
                    ),
                ),
                (
                    "refund",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="return_request",
                        to="distribution.ledgerentry",
                    ),
                ),
            ],
            options={
                "verbose_name": "return",
                "db_table": "distribution_returnrequest",
                "indexes": [
                    models.Index(fields=["buyer", "-id"], name="return_buyer_newest"),
                    models.Index(
                        condition=models.Q(("state", "requested")),
                        fields=["requested_at", "id"],
                        name="return_open_oldest",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "requested")),
                        fields=("assignment",),
                        name="return_one_open_each",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_full", True), ("state", "approved")),
                        fields=("assignment",),
                        name="return_one_full_each",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_resold", True)),
                        fields=("lead",),
                        name="return_one_resale_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True),
                                ("is_full__isnull", True),
                                ("refund_cents__isnull", True),
                                ("state", "requested"),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("is_full__isnull", False),
                                ("refund_cents__isnull", False),
                                ("state", "approved"),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("is_full__isnull", True),
                                ("refund_cents__isnull", True),
                                ("state__in", ["declined", "withdrawn"]),
                            ),
                            _connector="OR",
                        ),
                        name="return_state_fits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("refund__isnull", True), ("refund_cents__isnull", True)),
                            models.Q(("is_full", True), ("refund__isnull", True), ("refund_cents", 0)),
                            models.Q(("refund__isnull", False), ("refund_cents__gt", 0)),
                            _connector="OR",
                        ),
                        name="return_refund_fits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("asked_cents__isnull", True), ("asked_cents__gt", 0), _connector="OR"
                        ),
                        name="return_asks_for_money",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_resold", False),
                            models.Q(("is_full", True), ("state", "approved")),
                            _connector="OR",
                        ),
                        name="return_resold_is_full",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReturnFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("content_type", models.CharField(max_length=50)),
                ("size_bytes", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="distribution.returnrequest",
                    ),
                ),
            ],
            options={
                "verbose_name": "evidence file",
                "db_table": "distribution_returnfile",
                "constraints": [
                    models.UniqueConstraint(fields=("request", "sha256"), name="return_file_once"),
                    models.CheckConstraint(
                        condition=models.Q(("size_bytes__gte", 1), ("size_bytes__lte", 5242880)),
                        name="return_file_size_in_range",
                    ),
                ],
            },
        ),
        migrations.AlterField(
            model_name="buyerkey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        (
                            "account:read",
                            "account:read: its name, this key, its campaigns with bids and caps",
                        ),
                        ("wallet:read", "wallet:read: wallet and ledger"),
                        ("assignments:read", "assignments:read: the leads it bought, with contact details"),
                        ("returns:read", "returns:read: its return requests and the rules for them"),
                        ("returns:write", "returns:write: ask for returns and withdraw them"),
                        ("subscriptions:read", "subscriptions:read: its subscriptions to events"),
                        ("subscriptions:write", "subscriptions:write: subscribe to events and end it"),
                        ("missed:read", "missed:read: the leads it missed, and why"),
                    ],
                    max_length=20,
                ),
                default=distribution.models.buyerkey.default_scopes,
                help_text="What this key may do.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="returns_restore_caps",
            field=models.BooleanField(
                default=False,
                help_text="Returned leads no longer count toward the buyer's caps and budgets. The buyer gets its turn back.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id, NEW.buyer_id) IS DISTINCT FROM ROW(OLD.workspace_id, OLD.buyer_id))",
                    func="\n            RAISE EXCEPTION 'The workspace and buyer of return policy % cannot be changed. Add a policy for the other buyer.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="01909f2ef0d78b75c845698b7f2a920c0c5d1522",
                    operation='UPDATE OF "workspace_id", "buyer_id"',
                    pgid="pgtrigger_owner_is_fixed_681c4",
                    table="distribution_returnpolicy",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="same_workspace",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.buyer_id IS NOT NULL)",
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM distribution_buyer WHERE id = NEW.buyer_id AND workspace_id = NEW.workspace_id\n                    ) THEN\n                        RAISE EXCEPTION 'A return policy needs a buyer of its workspace.'\n                        USING ERRCODE = 'check_violation', CONSTRAINT = 'return_policy_same_workspace';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="8890ef8f0ddd15baf0e6080fcc42554c281b04a1",
                    operation="INSERT",
                    pgid="pgtrigger_same_workspace_4be45",
                    table="distribution_returnpolicy",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnrequest",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.assignment_id, NEW.lead_id, NEW.buyer_id) IS DISTINCT FROM ROW(OLD.assignment_id, OLD.lead_id, OLD.buyer_id))",
                    func="\n            RAISE EXCEPTION 'The assignment and lead and buyer of return % cannot be changed. Ask for another return.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="7c616a2fdc04dbfcc9f8c53fbebb19a614a6988f",
                    operation='UPDATE OF "assignment_id", "lead_id", "buyer_id"',
                    pgid="pgtrigger_owner_is_fixed_22221",
                    table="distribution_returnrequest",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnrequest",
            trigger=pgtrigger.compiler.Trigger(
                name="fits_assignment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM distribution_assignment\n                        WHERE id = NEW.assignment_id AND lead_id = NEW.lead_id AND buyer_id = NEW.buyer_id\n                    ) THEN\n                        RAISE EXCEPTION 'A return needs the lead and the buyer of its assignment.'\n                        USING ERRCODE = 'check_violation', CONSTRAINT = 'return_fits_assignment';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="2354cdff5bc03dc8300733944df3b95b65c4558d",
                    operation="INSERT",
                    pgid="pgtrigger_fits_assignment_7389e",
                    table="distribution_returnrequest",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnrequest",
            trigger=pgtrigger.compiler.Trigger(
                name="end_is_final",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'requested')",
                    func="\n                    RAISE EXCEPTION 'Return % is % and stays so.', OLD.id, OLD.state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'return_end_is_final', TABLE = TG_TABLE_NAME;\n                ",
                    hash="20f2098dd02298f0ec3a58d0f376f5e46f7d0755",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_end_is_final_7a6b7",
                    table="distribution_returnrequest",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnfile",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.request_id) IS DISTINCT FROM ROW(OLD.request_id))",
                    func="\n            RAISE EXCEPTION 'The request of evidence file % cannot be changed. Add the file to the other return.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="b4a0621a56af72661d2ad2bbb3748a3c24c4a811",
                    operation='UPDATE OF "request_id"',
                    pgid="pgtrigger_owner_is_fixed_ce49d",
                    table="distribution_returnfile",
                    when="BEFORE",
                ),
            ),
        ),
    ]
