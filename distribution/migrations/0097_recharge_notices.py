"""Mails about pauses of automatic recharge. Adds an empty table."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0096_refunds_that_fail_checked"),
        ("routing", "0054_offered_leads_indexed"),
    ]

    operations = [
        migrations.CreateModel(
            name="RechargeNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("paused_at", models.DateTimeField()),
                (
                    "pause_reason",
                    models.CharField(
                        choices=[
                            ("declined", "the card was declined"),
                            ("needs_action", "the bank wants the cardholder to confirm the payment"),
                            ("no_card", "there is no card"),
                            ("refused", "the provider refused the payment"),
                            ("no_answer", "the provider did not answer in time"),
                            ("disputed", "the cardholder disputed a payment"),
                            ("by_hand", "paused by an operator"),
                            ("by_buyer", "paused by the buyer"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("failed", "failed"),
                            ("over", "over"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=200)),
                (
                    "recharge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="distribution.recharge",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.workspace"
                    ),
                ),
            ],
            options={
                "db_table": "distribution_rechargenotice",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["next_try_at"],
                        name="recharge_notice_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("recharge", "paused_at"), name="recharge_notice_once_each_pause"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True),
                                ("next_try_at__isnull", False),
                                ("state", "waiting"),
                            ),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("next_try_at__isnull", True),
                                ("state__in", ["sent", "failed", "over"]),
                            ),
                            _connector="OR",
                        ),
                        name="recharge_notice_state_fits",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rechargenotice",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.recharge_id, NEW.workspace_id, NEW.paused_at) IS DISTINCT FROM ROW(OLD.recharge_id, OLD.workspace_id, OLD.paused_at))",
                    func="\n            RAISE EXCEPTION 'The recharge and workspace and paused at of recharge notice % cannot be changed. Write another notice.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="58df2d25ccc8d554e1c38ccbba4ada6b8d2f79a8",
                    operation='UPDATE OF "recharge_id", "workspace_id", "paused_at"',
                    pgid="pgtrigger_owner_is_fixed_582f6",
                    table="distribution_rechargenotice",
                    when="BEFORE",
                ),
            ),
        ),
    ]
