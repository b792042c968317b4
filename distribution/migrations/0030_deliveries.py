"""Adds endpoints of buyers, and the deliveries to them with their tries. Reversed, all of them are dropped."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models

import distribution.models.encrypted
import distribution.models.uuid7


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0029_plain_labels"),
        ("routing", "0040_plain_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
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
                    models.CharField(
                        help_text="E.g. CRM, or the office's inbox. Unique for the buyer.", max_length=100
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("webhook", "signed webhook: JSON with a signature (Standard Webhooks)"),
                            ("http", "custom HTTP request: the fields and format of the buyer's system"),
                            ("email", "email: one message for each lead"),
                            ("csv", "daily CSV: one email a day with all leads"),
                        ],
                        default="webhook",
                        help_text="How each lead is sent. The fields below depend on it.",
                        max_length=10,
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The https address that gets the leads. It must be a public address.",
                        max_length=2000,
                        verbose_name="URL",
                    ),
                ),
                (
                    "test_url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The address that gets test leads. Empty: it gets no test leads of sources, and Send a test lead asks before it uses the URL above.",
                        max_length=2000,
                        verbose_name="test URL",
                    ),
                ),
                (
                    "email_to",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="One or more email addresses, separated by commas.",
                        max_length=1000,
                        verbose_name="email to",
                    ),
                ),
                (
                    "http_method",
                    models.CharField(
                        choices=[("POST", "POST"), ("PUT", "PUT"), ("GET", "GET")],
                        default="POST",
                        help_text="GET sends the fields in the URL.",
                        max_length=4,
                        verbose_name="HTTP method",
                    ),
                ),
                (
                    "body_format",
                    models.CharField(
                        choices=[("json", "JSON"), ("form", "form fields"), ("xml", "XML")],
                        default="json",
                        help_text="How the body is written.",
                        max_length=4,
                    ),
                ),
                (
                    "email_format",
                    models.CharField(
                        choices=[
                            ("text", "plain text"),
                            ("html", "HTML"),
                            ("adf", "ADF XML, for car dealers"),
                        ],
                        default="text",
                        help_text="How the message is written.",
                        max_length=4,
                    ),
                ),
                (
                    "daily_at",
                    models.TimeField(
                        default="06:00",
                        help_text="When the message with the leads of the last day is sent, in the buyer's time zone.",
                        verbose_name="daily at",
                    ),
                ),
                (
                    "template",
                    distribution.models.encrypted.EncryptedJSONField(
                        blank=True,
                        default=dict,
                        help_text='What is sent: the buyer\'s name and the lead\'s field, e.g. {"FirstName": "{first_name}"}. Stored encrypted.',
                    ),
                ),
                (
                    "headers",
                    distribution.models.encrypted.EncryptedJSONField(
                        blank=True,
                        default=dict,
                        help_text='Headers of each request, e.g. {"Authorization": "Bearer ..."}. Stored encrypted, and never shown.',
                    ),
                ),
                (
                    "accept_term",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="An answer with status 2xx accepts the lead only if it contains this text. Empty: every 2xx accepts.",
                        max_length=200,
                    ),
                ),
                (
                    "accept_path",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Where the answer says so, e.g. result.status or /response/status. Empty: the whole answer.",
                        max_length=200,
                    ),
                ),
                (
                    "reason_path",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Where the answer gives the reason of a rejection, e.g. result.message.",
                        max_length=200,
                    ),
                ),
                (
                    "price_path",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Where the answer gives a price in dollars, e.g. result.price. It is shown, not charged.",
                        max_length=200,
                    ),
                ),
                (
                    "answer_format",
                    models.CharField(
                        blank=True,
                        choices=[("json", "JSON"), ("xml", "XML"), ("text", "text")],
                        default="",
                        help_text="How the answer is read. Empty: as its content type says.",
                        max_length=4,
                    ),
                ),
                (
                    "timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="How long to wait for the answer, 1 to 60 seconds.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="timeout (seconds)",
                    ),
                ),
                (
                    "max_in_flight",
                    models.PositiveSmallIntegerField(
                        default=4,
                        help_text="How many requests may run at once, 1 to 100.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="requests at once",
                    ),
                ),
                ("active", models.BooleanField(default=True, help_text="Turn it off to send nothing new.")),
                ("disabled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("gone_410", "it answered 410 Gone"),
                            ("no_success_120h", "no success for 120 hours"),
                            ("by_hand", "by a person"),
                        ],
                        default="",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("last_success_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("failing_since", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "live_since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        help_text="The workspace of the owner. If neither a buyer nor a source is chosen, it is the owner.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="routing.workspace",
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        help_text="The buyer that gets the leads.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        help_text="The source that gets the events.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="routing.source",
                    ),
                ),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("lead.sold", "lead.sold: a lead was sold"),
                                ("lead.unsold", "lead.unsold: a lead ended without a sale"),
                                ("lead.returned", "lead.returned: a sold lead was returned"),
                                ("lead.status_changed", "lead.status_changed: a lead has another status"),
                                (
                                    "assignment.delivered",
                                    "assignment.delivered: a buyer's system accepted a lead",
                                ),
                                (
                                    "assignment.rejected",
                                    "assignment.rejected: a buyer's system rejected a lead",
                                ),
                                ("wallet.low", "wallet.low: a wallet fell below its limit for a notice"),
                                (
                                    "cap.reached",
                                    "cap.reached: a buyer has all leads that its cap or budget allows in a period",
                                ),
                                (
                                    "campaign.unsold",
                                    "campaign.unsold: no buyer of a campaign could take a lead",
                                ),
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
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only leads of this campaign. Empty: leads of all of the buyer's campaigns.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="distribution.campaign",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_endpoint",
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=distribution.models.uuid7.DatabaseUUID7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("lead.sold", "lead.sold: a lead was sold"),
                            ("lead.unsold", "lead.unsold: a lead ended without a sale"),
                            ("lead.returned", "lead.returned: a sold lead was returned"),
                            ("lead.status_changed", "lead.status_changed: a lead has another status"),
                            (
                                "assignment.delivered",
                                "assignment.delivered: a buyer's system accepted a lead",
                            ),
                            ("assignment.rejected", "assignment.rejected: a buyer's system rejected a lead"),
                            ("wallet.low", "wallet.low: a wallet fell below its limit for a notice"),
                            (
                                "cap.reached",
                                "cap.reached: a buyer has all leads that its cap or budget allows in a period",
                            ),
                            ("campaign.unsold", "campaign.unsold: no buyer of a campaign could take a lead"),
                        ],
                        max_length=30,
                    ),
                ),
                ("happened_at", models.DateTimeField()),
                ("buyer_id", models.BigIntegerField(null=True)),
                ("source_id", models.BigIntegerField(null=True)),
                ("workspace_id", models.BigIntegerField(null=True)),
                ("lead_id", models.BigIntegerField(null=True)),
                ("assignment_id", models.BigIntegerField(null=True)),
                ("campaign_id", models.BigIntegerField(null=True)),
                ("facts", models.JSONField(default=dict)),
                ("once", models.CharField(max_length=100, null=True, unique=True)),
            ],
            options={
                "db_table": "distribution_event",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "message_id",
                    models.UUIDField(
                        db_default=distribution.models.uuid7.DatabaseUUID7(), editable=False, unique=True
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="distribution.event",
                    ),
                ),
                ("is_direct_post", models.BooleanField(db_default=False, default=False)),
                ("is_test", models.BooleanField(db_default=False, default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waiting until it is due"),
                            ("posting", "being sent"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("unknown", "unknown: a person must decide"),
                            ("cancelled", "canceled"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("next_try_at", models.DateTimeField(blank=True, null=True, verbose_name="next try at")),
                ("leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("first_try_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("ended_by", models.CharField(blank=True, db_default="", default="", max_length=150)),
                ("settled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("price_cents", models.BigIntegerField(blank=True, null=True, verbose_name="answered price")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "assignment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="distribution.assignment",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="routing.lead",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="distribution.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "db_table": "distribution_delivery",
                "permissions": [("resolve_delivery", "Can decide or resend a delivery")],
            },
        ),
        migrations.CreateModel(
            name="EndpointSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("secret", distribution.models.encrypted.EncryptedTextField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When it no longer signs. Empty: it signs until it is replaced.",
                        null=True,
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to="distribution.endpoint",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_endpointsecret",
            },
        ),
        migrations.CreateModel(
            name="DeliveryTry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("unknown", "unknown: the buyer may have it"),
                            ("not_sent", "not sent: the buyer cannot have it"),
                            ("worker_lost", "worker lost: the buyer may have it"),
                        ],
                        db_default="",
                        default="",
                        max_length=12,
                    ),
                ),
                ("status_code", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True)),
                ("request_head", models.TextField(blank=True, db_default="", default="")),
                ("request_body", models.TextField(blank=True, db_default="", default="")),
                ("answer_head", models.TextField(blank=True, db_default="", default="")),
                ("answer_body", models.TextField(blank=True, db_default="", default="")),
                ("error", models.CharField(blank=True, db_default="", default="", max_length=100)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="distribution.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "try of a delivery",
                "verbose_name_plural": "tries of deliveries",
                "db_table": "distribution_deliverytry",
                "indexes": [
                    models.Index(
                        condition=models.Q(("answer_body", ""), ("request_body", ""), _negated=True),
                        fields=["started_at"],
                        name="deliverytry_with_bodies",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "number"), name="deliverytry_number_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("outcome", "")),
                            models.Q(
                                ("finished_at__isnull", False), models.Q(("outcome", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="deliverytry_outcome_iff_finished",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(fields=("buyer", "name"), name="endpoint_buyer_name_unique"),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at__isnull", True), ("disabled_reason", "")),
                    models.Q(
                        ("disabled_at__isnull", False), models.Q(("disabled_reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="endpoint_disabled_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("method__in", ["webhook", "http"]), models.Q(("url", ""), _negated=True)),
                    models.Q(("method__in", ["email", "csv"]), models.Q(("email_to", ""), _negated=True)),
                    _connector="OR",
                ),
                name="endpoint_has_an_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("timeout_seconds__gte", 1), ("timeout_seconds__lte", 60)),
                name="endpoint_timeout_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_in_flight__gte", 1), ("max_in_flight__lte", 100)),
                name="endpoint_in_flight_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("buyer__isnull", True), ("source__isnull", True), _connector="OR"),
                name="endpoint_one_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("buyer__isnull", False), models.Q(("events", []), _negated=True), _connector="OR"
                ),
                name="endpoint_of_leads_has_a_buyer",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("events", []),
                    models.Q(("campaign__isnull", True), ("method__in", ["webhook", "email"])),
                    _connector="OR",
                ),
                name="endpoint_events_by_webhook_or_email",
            ),
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("events", []), _negated=True), fields=["id"], name="endpoint_subscription"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="restart_live_since",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.active, NEW.disabled_at, NEW.campaign_id, NEW.test_url) IS DISTINCT FROM ROW(OLD.active, OLD.disabled_at, OLD.campaign_id, OLD.test_url))",
                    func="NEW.live_since = clock_timestamp(); RETURN NEW;",
                    hash="46dfb73b9792b5f5b3e17abb4e1b22fa732d0f44",
                    operation='UPDATE OF "active", "disabled_at", "campaign_id", "test_url"',
                    pgid="pgtrigger_restart_live_since_51f62",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id, NEW.source_id, NEW.workspace_id) IS DISTINCT FROM ROW(OLD.buyer_id, OLD.source_id, OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The buyer and source and workspace of endpoint % cannot be changed. Disable it and add an endpoint to the other owner.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="aae8603e1f2c9463f490a6a94cf7a9c85c423a79",
                    operation='UPDATE OF "buyer_id", "source_id", "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_33a58",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="fill_workspace",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF NEW.buyer_id IS NOT NULL THEN\n        SELECT workspace_id INTO NEW.workspace_id FROM distribution_buyer WHERE id = NEW.buyer_id;\n    ELSIF NEW.source_id IS NOT NULL THEN\n        SELECT workspace_id INTO NEW.workspace_id FROM routing_source WHERE id = NEW.source_id;\n    END IF;\n    RETURN NEW;\n",
                    hash="44e1b7d4d0403712911416e286cf2243cd9464c8",
                    operation="INSERT",
                    pgid="pgtrigger_fill_workspace_ae300",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="purpose_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((NEW.events = '{}') <> (OLD.events = '{}'))",
                    func="\n                RAISE EXCEPTION 'Endpoint % gets either leads or events. Add another endpoint.', OLD.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'purpose_is_fixed', TABLE = TG_TABLE_NAME;\n            ",
                    hash="3a688f6d51b5b37cb999b8a9612984b4e7bb0db4",
                    operation='UPDATE OF "events"',
                    pgid="pgtrigger_purpose_is_fixed_329d1",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("buyer_id__isnull", False),
                    ("source_id__isnull", False),
                    ("workspace_id__isnull", False),
                    _connector="OR",
                ),
                name="event_is_for_someone",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_event is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="559248d9bfe824a1cbd24a745d4e8996479261d1",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_76b5b",
                    table="distribution_event",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_event is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="b4fd1b26e853933d8874a4130904a8e8352da7ef",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_1d76e",
                    table="distribution_event",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("event__isnull", False)), fields=["event"], name="delivery_event"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "-id"], name="delivery_endpoint"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["endpoint", "next_try_at", "id"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["next_try_at"], name="delivery_next"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "posting")),
                fields=["endpoint", "leased_until"],
                name="delivery_posting",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "unknown")), fields=["id"], name="delivery_unknown"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("next_try_at__isnull", False), ("state", "pending")),
                    models.Q(models.Q(("state", "pending"), _negated=True), ("next_try_at__isnull", True)),
                    _connector="OR",
                ),
                name="delivery_due_exactly_while_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("leased_until__isnull", False), ("state", "posting")),
                    models.Q(models.Q(("state", "posting"), _negated=True), ("leased_until__isnull", True)),
                    _connector="OR",
                ),
                name="delivery_leased_exactly_while_posting",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", False), ("state__in", ("accepted", "rejected", "cancelled"))
                    ),
                    models.Q(
                        models.Q(("state__in", ("accepted", "rejected", "cancelled")), _negated=True),
                        ("ended_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="delivery_ended_at_iff_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_direct_post", False), ("assignment__isnull", False), _connector="OR"),
                name="delivery_direct_post_of_a_sale",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("lead__isnull", False), ("event__isnull", False), _connector="OR"),
                name="delivery_has_content",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'pending')",
                    func="NOTIFY leadswitch_deliveries; RETURN NULL;",
                    hash="4a0f1195a735b6ae9a984ae4b9912afb03790068",
                    operation="INSERT",
                    pgid="pgtrigger_notify_on_insert_2e744",
                    table="distribution_delivery",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_due",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'pending' AND NEW.next_try_at <= clock_timestamp())",
                    func="NOTIFY leadswitch_deliveries; RETURN NULL;",
                    hash="95de6478e8046b89108cb007ab48e95a40e9dc23",
                    operation='UPDATE OF "next_try_at"',
                    pgid="pgtrigger_notify_on_due_92e9e",
                    table="distribution_delivery",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.endpoint_id, NEW.lead_id, NEW.assignment_id, NEW.event_id) IS DISTINCT FROM ROW(OLD.endpoint_id, OLD.lead_id, OLD.assignment_id, OLD.event_id))",
                    func="\n            RAISE EXCEPTION 'The endpoint and lead and assignment and event of delivery % cannot be changed. Send a new one.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="20a4d2263a3868ab48b6c9ae42906c246e52b83a",
                    operation='UPDATE OF "endpoint_id", "lead_id", "assignment_id", "event_id"',
                    pgid="pgtrigger_owner_is_fixed_b895c",
                    table="distribution_delivery",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="endpointsecret",
            constraint=models.UniqueConstraint(
                condition=models.Q(("expires_at__isnull", True)),
                fields=("endpoint",),
                name="endpointsecret_one_without_end",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpointsecret",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.endpoint_id) IS DISTINCT FROM ROW(OLD.endpoint_id))",
                    func="\n            RAISE EXCEPTION 'The endpoint of secret % cannot be changed. Make a new secret for the other endpoint.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="ca308c9c9481e91588c588e5c67b2ba7b62f7cb9",
                    operation='UPDATE OF "endpoint_id"',
                    pgid="pgtrigger_owner_is_fixed_ee9ab",
                    table="distribution_endpointsecret",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delivery",
            trigger=pgtrigger.compiler.Trigger(
                name="direct_post_is_answered",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_direct_post)",
                    func="\n            PERFORM 1 FROM distribution_endpoint WHERE id = NEW.endpoint_id AND method IN ('webhook', 'http') FOR KEY SHARE;\n            IF NOT FOUND THEN\n                RETURN NULL;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="b74b14fb1241887eff7b561d2fde392dff1669c8",
                    operation="INSERT",
                    pgid="pgtrigger_direct_post_is_answered_8cec9",
                    table="distribution_delivery",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="answers_direct_posts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.method IN ('webhook', 'http') AND NEW.method NOT IN ('webhook', 'http'))",
                    func="\n            PERFORM 1 FROM distribution_endpoint WHERE id = OLD.id FOR UPDATE;\n            IF EXISTS (\n                SELECT 1 FROM distribution_delivery\n                WHERE endpoint_id = OLD.id AND is_direct_post\n                    AND (state = 'pending' OR state = 'posting' OR state = 'unknown')\n            ) THEN\n                RAISE EXCEPTION 'Leads wait for an answer of endpoint %. End them, then change its method.', OLD.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'endpoint_answers_direct_posts', TABLE = TG_TABLE_NAME;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="ceb8e5473e2f5a9fa028d0805d95fb73f9c5fee7",
                    operation='UPDATE OF "method"',
                    pgid="pgtrigger_answers_direct_posts_b26e8",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[],
            options={
                "verbose_name": "subscription",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("distribution.endpoint",),
        ),
    ]
