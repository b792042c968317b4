"""Channels, verifications and calls. All tables are new."""

import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models

import distribution.models.encrypted
import routing.values.opening_hours


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0109_verification_of_campaigns_checked"),
        ("routing", "0060_verified_leads"),
    ]

    operations = [
        migrations.CreateModel(
            name="BlockedPhone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone_hash", models.CharField(editable=False, max_length=64)),
                ("reason", models.CharField(max_length=200)),
                (
                    "actor",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
                ),
                (
                    "is_opt_out",
                    models.BooleanField(
                        db_default=False, default=False, editable=False, verbose_name="asked for it in a call"
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
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_blockedphone",
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "phone_hash"), name="blockedphone_once"),
                    models.CheckConstraint(
                        condition=models.Q(("phone_hash", ""), _negated=True),
                        name="blockedphone_hash_not_blank",
                    ),
                ],
                "indexes": [models.Index(fields=["phone_hash"], name="blockedphone_hash")],
            },
        ),
        migrations.CreateModel(
            name="CarrierAccount",
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
                        help_text="Unique in its workspace. Next: add a channel.", max_length=100
                    ),
                ),
                (
                    "api_url",
                    models.URLField(
                        default="https://api.twilio.com",
                        help_text="Of a carrier with the API of Twilio, without a path.",
                        verbose_name="API address",
                    ),
                ),
                (
                    "account_sid",
                    models.CharField(
                        help_text="From the carrier's console; at Twilio it begins with AC.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9]+\\Z",
                                "Copy it from the carrier's console: letters and digits.",
                            )
                        ],
                        verbose_name="account SID",
                    ),
                ),
                (
                    "auth_token",
                    distribution.models.encrypted.EncryptedTextField(
                        help_text="From the carrier's console. It also signs the carrier's messages to us."
                    ),
                ),
                (
                    "previous_token",
                    distribution.models.encrypted.EncryptedTextField(
                        blank=True,
                        help_text="While the token is being replaced: messages signed with it are still accepted. Clear it afterwards.",
                        null=True,
                    ),
                ),
                (
                    "signing_key",
                    distribution.models.encrypted.EncryptedTextField(
                        blank=True,
                        help_text="Only if the carrier signs with a shared key (HMAC-SHA256).",
                        null=True,
                    ),
                ),
                (
                    "calls_per_second",
                    models.PositiveIntegerField(
                        db_default=1,
                        default=1,
                        help_text="How fast the carrier places calls of this account. Twilio: 1, unless it has raised it.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                    ),
                ),
                ("next_dial_at", models.DateTimeField(editable=False, null=True)),
                ("is_enabled", models.BooleanField(db_default=True, default=True, verbose_name="enabled")),
                ("stopped_at", models.DateTimeField(editable=False, null=True)),
                (
                    "stop_code",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=30),
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
                        help_text="The workspace whose leads are called over this account.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="carrier_accounts",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_carrieraccount",
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "name"), name="carrieraccount_name_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("calls_per_second__gte", 1), ("calls_per_second__lte", 200)),
                        name="carrieraccount_pace_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stop_code", ""), ("stopped_at__isnull", True)),
                            models.Q(
                                ("stopped_at__isnull", False), models.Q(("stop_code", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="carrieraccount_stopped_with_code",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                ("name", models.CharField(help_text="Unique in its workspace.", max_length=100)),
                (
                    "number",
                    models.CharField(
                        help_text="The number that people see, e.g. +14045550123. It belongs to the carrier account.",
                        max_length=16,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\+[1-9][0-9]{6,14}\\Z",
                                "Enter it with its country code, e.g. +14045550123.",
                            )
                        ],
                    ),
                ),
                (
                    "lines",
                    models.PositiveIntegerField(
                        db_default=1,
                        default=1,
                        help_text="How many calls may be out at once. Calls that are out are not ended if you lower it.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                    ),
                ),
                ("is_enabled", models.BooleanField(db_default=True, default=True, verbose_name="enabled")),
                (
                    "timezone",
                    models.CharField(
                        default="America/New_York",
                        help_text="The time zone of the hours below.",
                        max_length=50,
                        validators=[routing.values.opening_hours.check_timezone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "hours",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='When calls go out over it, as well as the hours of the law: {"mon": [["09:00", "17:00"]], …}. Empty: whenever the law allows it.',
                        validators=[routing.values.opening_hours.check_hours],
                    ),
                ),
                (
                    "calls_per_minute",
                    models.PositiveIntegerField(
                        db_default=60,
                        default=60,
                        help_text="A number that calls more is soon flagged as spam.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(12000),
                        ],
                    ),
                ),
                (
                    "area_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=3,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "\\A[2-9][0-9]{2}\\Z", "An area code has three digits."
                                )
                            ],
                        ),
                        blank=True,
                        db_default=[],
                        default=list,
                        help_text="Area codes that this number calls first, e.g. 404, 470. Empty: the area code of the number.",
                        size=None,
                    ),
                ),
                ("flagged_at", models.DateTimeField(editable=False, null=True)),
                (
                    "flag_reason",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=200),
                ),
                ("next_dial_at", models.DateTimeField(editable=False, null=True)),
                ("last_dialed_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="channels",
                        to="distribution.carrieraccount",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        help_text="The workspace whose leads are called from this number.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="channels",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_channel",
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "name"), name="channel_name_unique"),
                    models.UniqueConstraint(
                        fields=("account", "number"),
                        name="channel_number_unique",
                        violation_error_message="This account has a channel with this number already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lines__gte", 1), ("lines__lte", 200)),
                        name="channel_lines_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("calls_per_minute__gte", 1), ("calls_per_minute__lte", 12000)),
                        name="channel_pace_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("flag_reason", ""), ("flagged_at__isnull", True)),
                            models.Q(
                                ("flagged_at__isnull", False), models.Q(("flag_reason", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="channel_flagged_with_reason",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(editable=False, unique=True)),
                ("attempt_id", models.UUIDField(help_text="The attempt that opened it.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a call"),
                            ("calling", "being called"),
                            ("person", "waiting for an operator"),
                            ("verified", "verified"),
                            ("declined", "declined"),
                            ("unverified", "not verified"),
                            ("closed", "closed: the lead ended otherwise"),
                        ],
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=30, verbose_name="waits because"
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("opened_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="distribution.campaign",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verifications",
                        to="routing.lead",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_verification",
                "permissions": [("verify_by_hand", "Can verify leads by hand")],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("lead",),
                        name="verification_one_open_of_lead",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("due_at__isnull", False), ("state", "waiting")),
                            models.Q(models.Q(("state", "waiting"), _negated=True), ("due_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="verification_due_exactly_while_waiting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True), ("state__in", ("waiting", "calling", "person"))
                            ),
                            models.Q(
                                models.Q(("state__in", ("waiting", "calling", "person")), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="verification_ended_at_iff_ended",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["workspace", "due_at", "id"],
                        name="verification_queue",
                    ),
                    models.Index(
                        condition=models.Q(("state", "waiting"), models.Q(("reason", ""), _negated=True)),
                        fields=["reason", "workspace"],
                        name="verification_reason",
                    ),
                    models.Index(fields=["workspace", "state", "-id"], name="verification_state"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("verification", "verification of a lead"), ("test", "test of a channel")],
                        db_default="verification",
                        default="verification",
                        max_length=12,
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="1 for the first call of its verification.", verbose_name="try"
                    ),
                ),
                ("from_number", models.CharField(max_length=16, verbose_name="from")),
                ("test_phone", models.CharField(blank=True, db_default="", default="", max_length=16)),
                ("phone_hash", models.CharField(blank=True, max_length=64, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("created", "about to be placed"),
                            ("dialing", "being placed"),
                            ("queued", "queued by the carrier"),
                            ("ringing", "ringing"),
                            ("in_progress", "talking"),
                            ("ended", "ended"),
                        ],
                        default="created",
                        max_length=12,
                    ),
                ),
                (
                    "dial",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not known yet"),
                            ("placed", "placed"),
                            ("not_placed", "not placed"),
                            ("throttled", "not placed: too many at once"),
                            ("unknown", "unknown: the carrier is asked"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                        verbose_name="placing",
                    ),
                ),
                (
                    "dial_code",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=30, verbose_name="carrier's code"
                    ),
                ),
                ("dial_problem", models.CharField(blank=True, db_default="", default="", max_length=30)),
                (
                    "carrier_sid",
                    models.CharField(blank=True, max_length=64, null=True, verbose_name="carrier's id"),
                ),
                ("carrier_status", models.CharField(blank=True, db_default="", default="", max_length=20)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not ended"),
                            ("confirmed", "confirmed"),
                            ("declined", "declined"),
                            ("opted_out", "does not want to be called again"),
                            ("no_input", "answered, no key pressed"),
                            ("voicemail", "answering machine"),
                            ("busy", "busy"),
                            ("no_answer", "no answer"),
                            ("invalid_phone", "not a number that can be called"),
                            ("failed", "failed"),
                            ("canceled", "ended by us"),
                            ("not_placed", "not placed"),
                        ],
                        db_default="",
                        default="",
                        max_length=14,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=1, verbose_name="pressed key"
                    ),
                ),
                ("answered_by", models.CharField(blank=True, db_default="", default="", max_length=30)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "dialed_at",
                    models.DateTimeField(blank=True, help_text="When its request began.", null=True),
                ),
                ("ringing_at", models.DateTimeField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, db_default="", default="", max_length=10)),
                ("duration_seconds", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "cost_micros",
                    models.BigIntegerField(
                        blank=True,
                        help_text="In millionths of the carrier's currency.",
                        null=True,
                        verbose_name="cost",
                    ),
                ),
                ("cost_currency", models.CharField(blank=True, db_default="", default="", max_length=3)),
                ("records", models.BooleanField(db_default=False, default=False, verbose_name="recorded")),
                ("recording_sid", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("time_limit_seconds", models.PositiveIntegerField(db_default=120, default=120)),
                ("ring_seconds", models.PositiveIntegerField(db_default=30, default=30)),
                ("next_check_at", models.DateTimeField(blank=True, null=True)),
                ("checks", models.PositiveIntegerField(db_default=0, default=0)),
                ("hang_up_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="routing.lead",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.workspace",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="distribution.carrieraccount",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="distribution.channel",
                    ),
                ),
                (
                    "verification",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="distribution.verification",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_call",
                "permissions": [("listen_to_recordings", "Can listen to recordings of calls")],
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", False),
                                ("state", "ended"),
                                models.Q(("outcome", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "ended"), _negated=True),
                                ("ended_at__isnull", True),
                                ("outcome", ""),
                            ),
                            _connector="OR",
                        ),
                        name="call_ended_at_iff_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("next_check_at__isnull", True), ("state", "ended")),
                            models.Q(
                                models.Q(("state", "ended"), _negated=True), ("next_check_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="call_checked_until_it_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "verification"),
                                ("lead__isnull", False),
                                ("test_phone", ""),
                                ("verification__isnull", False),
                            ),
                            models.Q(
                                ("kind", "test"),
                                ("lead__isnull", True),
                                ("verification__isnull", True),
                                models.Q(
                                    models.Q(("ended_at__isnull", False), ("test_phone", "")),
                                    models.Q(
                                        ("ended_at__isnull", True),
                                        models.Q(("test_phone", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="call_has_lead_or_test_phone",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("carrier_sid__isnull", False)),
                        fields=("account", "carrier_sid"),
                        name="call_carrier_sid_unique",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True), ("phone_hash__isnull", False)),
                        fields=("phone_hash",),
                        name="call_one_open_of_phone",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True), ("lead__isnull", False)),
                        fields=("lead",),
                        name="call_one_open_of_lead",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)), fields=["channel"], name="call_lines"
                    ),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=["next_check_at"],
                        name="call_checked",
                    ),
                    models.Index(
                        condition=models.Q(("phone_hash__isnull", False)),
                        fields=["phone_hash", "-dialed_at"],
                        name="call_phone",
                    ),
                    models.Index(fields=["workspace", "-id"], name="call_workspace"),
                    models.Index(fields=["channel", "-id"], name="call_channel"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("call_id", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("code", models.CharField(max_length=30)),
                ("data", models.JSONField(db_default={}, default=dict)),
                (
                    "verification",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="distribution.verification",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_callevent",
                "default_permissions": (),
                "constraints": [],
                "indexes": [
                    models.Index(
                        condition=models.Q(("call_id__isnull", False)),
                        fields=["call_id"],
                        name="callevent_call",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CallNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("status", "state of the call"),
                            ("script", "answered: asked for the script"),
                            ("keys", "pressed key"),
                            ("recording", "recording"),
                        ],
                        max_length=10,
                    ),
                ),
                ("carrier_sid", models.CharField(max_length=64)),
                ("status", models.CharField(blank=True, db_default="", default="", max_length=20)),
                (
                    "sequence",
                    models.IntegerField(
                        db_default=-1, default=-1, help_text="The carrier's own count, if it has one."
                    ),
                ),
                ("key", models.CharField(blank=True, db_default="", default="", max_length=1)),
                ("answered_by", models.CharField(blank=True, db_default="", default="", max_length=30)),
                ("duration_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("recording_sid", models.CharField(blank=True, db_default="", default="", max_length=64)),
                (
                    "received_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("applied_at", models.DateTimeField(blank=True, null=True)),
                ("result", models.CharField(blank=True, db_default="", default="", max_length=20)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="distribution.call",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_callnotice",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("call", "kind", "carrier_sid", "status", "sequence", "key", "recording_sid"),
                        name="callnotice_once",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("applied_at__isnull", True), ("result", "")),
                        fields=["id"],
                        name="callnotice_new",
                    ),
                    models.Index(
                        condition=models.Q(("applied_at__isnull", True), ("result", "hang_up")),
                        fields=["due_at", "id"],
                        name="callnotice_hang_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "max_calls",
                    models.PositiveSmallIntegerField(
                        db_default=4,
                        default=4,
                        help_text="How many calls may end with anything but an answer before there is no further one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "busy_minutes",
                    models.PositiveIntegerField(
                        db_default=10,
                        default=10,
                        help_text="Minutes until the next call after a busy line.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "busy_calls",
                    models.PositiveSmallIntegerField(
                        db_default=3,
                        default=3,
                        help_text="How many calls may end with a busy line before there is no further one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "no_answer_minutes",
                    models.PositiveIntegerField(
                        db_default=180,
                        default=180,
                        help_text="Minutes until the next call after no answer.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "no_answer_calls",
                    models.PositiveSmallIntegerField(
                        db_default=3,
                        default=3,
                        help_text="How many calls may end with no answer before there is no further one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "voicemail_minutes",
                    models.PositiveIntegerField(
                        db_default=180,
                        default=180,
                        help_text="Minutes until the next call after an answering machine.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "voicemail_calls",
                    models.PositiveSmallIntegerField(
                        db_default=2,
                        default=2,
                        help_text="How many calls may end with an answering machine before there is no further one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "no_input_minutes",
                    models.PositiveIntegerField(
                        db_default=60,
                        default=60,
                        help_text="Minutes until the next call after an answer without a key.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "no_input_calls",
                    models.PositiveSmallIntegerField(
                        db_default=2,
                        default=2,
                        help_text="How many calls may end with an answer without a key before there is no further one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "failed_minutes",
                    models.PositiveIntegerField(
                        db_default=15,
                        default=15,
                        help_text="Minutes until the next call after a failure of the carrier.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "failed_calls",
                    models.PositiveSmallIntegerField(
                        db_default=2,
                        default=2,
                        help_text="How many calls may end with a failure of the carrier before there is no further one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "ring_seconds",
                    models.PositiveIntegerField(
                        db_default=28,
                        default=28,
                        help_text="How long it rings. Answering machines often take over after 30 seconds.",
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(60),
                        ],
                    ),
                ),
                (
                    "script",
                    models.TextField(
                        default="Hello. You asked for an offer through {workspace}. Press 1 to confirm your request. Press 2 if you no longer want it. Press 9 if you do not want to be called again.",
                        help_text="What the person hears. {workspace} is replaced. Say what the keys 1, 2 and 9 do.",
                        max_length=1000,
                    ),
                ),
                (
                    "needs_consent",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Only people with a proof of consent are called.",
                    ),
                ),
                (
                    "records_calls",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Many states require that the person agrees to a recording. The script must say it.",
                    ),
                ),
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="call_policy",
                        to="distribution.campaign",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_callpolicy",
                "constraints": [],
                "indexes": [],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="blockedphone",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of entry % cannot be changed. Add the phone to the other workspace.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="fa8b813abf16ecd683b0172bd6b1a2d3a155f160",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_66986",
                    table="distribution_blockedphone",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callnotice",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_notice",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.applied_at IS NULL)",
                    func="NOTIFY leadswitch_call_reports; RETURN NULL;",
                    hash="9a18c9cc37a51fde5a76e97360f1ffd6bf480b3e",
                    operation="INSERT",
                    pgid="pgtrigger_notify_on_notice_784bc",
                    table="distribution_callnotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callpolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.campaign_id) IS DISTINCT FROM ROW(OLD.campaign_id))",
                    func="\n            RAISE EXCEPTION 'The campaign of policy % cannot be changed. Change the policy of the other campaign.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="86b91899604b3803a698d2a702a26ecdfc50f9d7",
                    operation='UPDATE OF "campaign_id"',
                    pgid="pgtrigger_owner_is_fixed_8c8fe",
                    table="distribution_callpolicy",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="carrieraccount",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id, NEW.api_url, NEW.account_sid) IS DISTINCT FROM ROW(OLD.workspace_id, OLD.api_url, OLD.account_sid))",
                    func="\n            RAISE EXCEPTION 'The workspace and api url and account sid of account % cannot be changed. Disable this account and add another one.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="b5be3b82c50bc3da2bd17f00e9bcd6971b7cef73",
                    operation='UPDATE OF "workspace_id", "api_url", "account_sid"',
                    pgid="pgtrigger_owner_is_fixed_e1fc9",
                    table="distribution_carrieraccount",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id, NEW.account_id, NEW.number) IS DISTINCT FROM ROW(OLD.workspace_id, OLD.account_id, OLD.number))",
                    func="\n            RAISE EXCEPTION 'The workspace and account and number of channel % cannot be changed. Disable this channel and add another one.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="bc728c6a4cf6f9e6e5ca01e4974fa3ae2bf85167",
                    operation='UPDATE OF "workspace_id", "account_id", "number"',
                    pgid="pgtrigger_owner_is_fixed_5ec06",
                    table="distribution_channel",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="account_of_workspace",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NOT EXISTS (\n                        SELECT FROM distribution_carrieraccount\n                        WHERE id = NEW.account_id AND workspace_id = NEW.workspace_id\n                    ) THEN\n                        RAISE EXCEPTION 'The account of a channel belongs to its workspace.'\n                        USING ERRCODE = 'check_violation', CONSTRAINT = 'channel_account_of_workspace';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="8cf13548480068b15b7c686869e06c302ec7bc54",
                    operation="INSERT",
                    pgid="pgtrigger_account_of_workspace_bbcbe",
                    table="distribution_channel",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="verification",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'waiting')",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="462b8cb44e1709a2a17502818954d1d1a83af126",
                    operation="INSERT",
                    pgid="pgtrigger_notify_on_insert_843fa",
                    table="distribution_verification",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="verification",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_due",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'waiting' AND (NEW.due_at < OLD.due_at OR OLD.due_at IS NULL))",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="fc3723f234091a03c4b421cc4d600dc1fe5cfa06",
                    operation='UPDATE OF "due_at", "state"',
                    pgid="pgtrigger_notify_on_due_de823",
                    table="distribution_verification",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callevent",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_callevent is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="2bdb7f5271e7e10c863543702403e7eec3133477",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_be9a9",
                    table="distribution_callevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callevent",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_callevent is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="8f72861683a2922be4755b23d489f782f1055a07",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_00b17",
                    table="distribution_callevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="call",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_end",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="099c62850ab92a85e585437e126d29dc5368991f",
                    operation='UPDATE OF "ended_at"',
                    pgid="pgtrigger_notify_on_end_c41b6",
                    table="distribution_call",
                    when="AFTER",
                ),
            ),
        ),
    ]
