"""The pings of sources. A new table."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0048_last_use_of_source_keys")]

    operations = [
        migrations.CreateModel(
            name="Ping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                (
                    "campaign_id",
                    models.BigIntegerField(
                        help_text="The campaign that would take it. No foreign key.", null=True
                    ),
                ),
                ("price_cents", models.BigIntegerField(null=True, verbose_name="promised price in cents")),
                (
                    "reason",
                    models.CharField(blank=True, help_text="Why no price was promised.", max_length=50),
                ),
                ("digests", models.JSONField(default=dict)),
                ("is_test", models.BooleanField(default=False, verbose_name="test ping")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField(help_text="Until when a lead can be sent with it.")),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pings",
                        to="routing.source",
                    ),
                ),
            ],
            options={
                "db_table": "routing_ping",
                "indexes": [
                    models.Index(fields=["source", "-created_at"], name="ping_of_source"),
                    models.Index(fields=["created_at"], name="ping_by_age"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("campaign_id__isnull", False), ("price_cents__gte", 0), ("reason", "")),
                            models.Q(("price_cents__isnull", True), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="ping_price_or_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="ping_expires_later",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ping",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.source_id) IS DISTINCT FROM ROW(OLD.source_id))",
                    func="\n            RAISE EXCEPTION 'The source of ping % cannot be changed. Ping again with a key of the other source.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="a63493798d0f50461ba47fc888af89086c4c491c",
                    operation='UPDATE OF "source_id"',
                    pgid="pgtrigger_owner_is_fixed_0cf22",
                    table="routing_ping",
                    when="BEFORE",
                ),
            ),
        ),
    ]
