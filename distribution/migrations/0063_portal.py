"""Adds the people who sign in to the portal of a buyer, their one-time links and their sessions."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0062_ping_endpoints_checked"),
    ]

    operations = [
        migrations.CreateModel(
            name="PortalUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                (
                    "email",
                    models.EmailField(
                        help_text="Sign-in links are sent here. Anybody who reads this inbox can sign in.",
                        max_length=254,
                        verbose_name="email address",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="First and last name. The agency sees it beside each change.",
                        max_length=100,
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "viewer: sees everything, changes nothing"),
                            ("manager", "manager: also changes settings, asks for returns, claims offers"),
                        ],
                        default="viewer",
                        help_text="A viewer sees everything of the buyer, with contact details, and changes nothing.",
                        max_length=10,
                    ),
                ),
                ("invited_by", models.CharField(editable=False, max_length=150)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="invited",
                    ),
                ),
                (
                    "last_signed_in_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last sign-in"),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        help_text="The buyer whose leads, wallet and settings this person sees.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="portal_users",
                        to="distribution.buyer",
                    ),
                ),
            ],
            options={
                "verbose_name": "portal user",
                "db_table": "distribution_portaluser",
            },
        ),
        migrations.CreateModel(
            name="PortalSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("email", models.EmailField(max_length=254)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="sessions",
                        to="distribution.portaluser",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_portalsession",
            },
        ),
        migrations.CreateModel(
            name="PortalLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("email_hash", models.CharField(blank=True, max_length=64)),
                ("network_hash", models.CharField(blank=True, max_length=64)),
                ("token_hash", models.CharField(max_length=64, null=True, unique=True)),
                ("requested_at", models.DateTimeField()),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "invited",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="distribution.portaluser",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_portallink",
            },
        ),
        migrations.AddIndex(
            model_name="portaluser",
            index=models.Index(fields=["email"], name="portaluser_email"),
        ),
        migrations.AddConstraint(
            model_name="portaluser",
            constraint=models.UniqueConstraint(
                fields=("buyer", "email"),
                name="portaluser_once_each_buyer",
                violation_error_message="This person already has access to this buyer.",
            ),
        ),
        migrations.AddConstraint(
            model_name="portaluser",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower(models.F("email")))),
                name="portaluser_email_is_lower",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="portaluser",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id, NEW.email) IS DISTINCT FROM ROW(OLD.buyer_id, OLD.email))",
                    func="\n            RAISE EXCEPTION 'The buyer and email of portal user % cannot be changed. Remove the person and invite them again.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="a12faad8d55e687fb0dc64336a02d42f6d68686d",
                    operation='UPDATE OF "buyer_id", "email"',
                    pgid="pgtrigger_owner_is_fixed_ab94a",
                    table="distribution_portaluser",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="portalsession",
            index=models.Index(fields=["email"], name="portalsession_email"),
        ),
        migrations.AddIndex(
            model_name="portalsession",
            index=models.Index(fields=["expires_at"], name="portalsession_oldest"),
        ),
        migrations.AddIndex(
            model_name="portallink",
            index=models.Index(fields=["email_hash", "requested_at"], name="portallink_of_address"),
        ),
        migrations.AddIndex(
            model_name="portallink",
            index=models.Index(fields=["network_hash", "requested_at"], name="portallink_of_network"),
        ),
        migrations.AddIndex(
            model_name="portallink",
            index=models.Index(fields=["requested_at"], name="portallink_oldest"),
        ),
        migrations.AddIndex(
            model_name="portallink",
            index=models.Index(
                condition=models.Q(("sent_at__isnull", True), models.Q(("email", ""), _negated=True)),
                fields=["id"],
                name="portallink_unsent",
            ),
        ),
        migrations.AddConstraint(
            model_name="portallink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("used_at__isnull", True),
                    models.Q(("expires_at__isnull", False), ("token_hash__isnull", False)),
                    _connector="OR",
                ),
                name="portallink_used_with_token",
            ),
        ),
    ]
