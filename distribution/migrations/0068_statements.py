"""Monthly statements of buyers. All tables are new; their foreign keys lock wallets and workspaces for a moment."""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0067_net_terms_checked"),
        ("routing", "0048_last_use_of_source_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="BuyerStatement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(help_text="Each workspace counts from 1 without gaps."),
                ),
                ("month", models.DateField(help_text="Its first day.")),
                ("timezone", models.CharField(max_length=64, verbose_name="time zone")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("after_entry_id", models.BigIntegerField()),
                ("last_entry_id", models.BigIntegerField()),
                ("buyer_name", models.CharField(max_length=200)),
                ("workspace_name", models.CharField(max_length=200)),
                ("opening_cents", models.BigIntegerField()),
                ("leads", models.PositiveIntegerField()),
                ("charged_cents", models.BigIntegerField()),
                ("refunded_cents", models.BigIntegerField()),
                ("topped_up_cents", models.BigIntegerField()),
                ("adjusted_cents", models.BigIntegerField()),
                ("card_refunded_cents", models.BigIntegerField()),
                ("charged_back_cents", models.BigIntegerField()),
                ("won_back_cents", models.BigIntegerField()),
                ("closing_cents", models.BigIntegerField()),
                ("held_cents", models.BigIntegerField()),
                ("credit_limit_cents", models.BigIntegerField()),
                ("terms_days", models.PositiveSmallIntegerField(help_text="Empty: prepaid.", null=True)),
                ("due_cents", models.BigIntegerField()),
                ("due_on", models.DateField()),
                ("due_at", models.DateTimeField()),
                ("details", models.JSONField()),
                ("issued_at", models.DateTimeField()),
                ("issued_by", models.CharField(max_length=150)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="distribution.wallet",
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
                "verbose_name": "statement",
                "db_table": "distribution_buyerstatement",
            },
        ),
        migrations.CreateModel(
            name="StatementCounter",
            fields=[
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="routing.workspace",
                    ),
                ),
                ("last_number", models.PositiveIntegerField(default=0)),
            ],
            options={
                "db_table": "distribution_statementcounter",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="StatementMail",
            fields=[
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="mail",
                        serialize=False,
                        to="distribution.buyerstatement",
                    ),
                ),
                ("email_to", models.CharField(max_length=500, verbose_name="to")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("sent", "sent"), ("failed", "failed")],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "db_table": "distribution_statementmail",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["next_try_at"],
                        name="statement_mail_due",
                    )
                ],
                "constraints": [
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
                                ("state__in", ["sent", "failed"]),
                            ),
                            _connector="OR",
                        ),
                        name="statement_mail_state_fits",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="buyerstatement",
            index=models.Index(
                condition=models.Q(("due_cents__gt", 0)), fields=["due_at"], name="statement_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="buyerstatement",
            constraint=models.UniqueConstraint(fields=("wallet", "month"), name="statement_one_each_month"),
        ),
        migrations.AddConstraint(
            model_name="buyerstatement",
            constraint=models.UniqueConstraint(fields=("workspace", "number"), name="statement_number_once"),
        ),
        migrations.AddConstraint(
            model_name="buyerstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "closing_cents",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    models.F("opening_cents"), "+", models.F("charged_cents")
                                                ),
                                                "+",
                                                models.F("refunded_cents"),
                                            ),
                                            "+",
                                            models.F("topped_up_cents"),
                                        ),
                                        "+",
                                        models.F("adjusted_cents"),
                                    ),
                                    "+",
                                    models.F("card_refunded_cents"),
                                ),
                                "+",
                                models.F("charged_back_cents"),
                            ),
                            "+",
                            models.F("won_back_cents"),
                        ),
                    )
                ),
                name="statement_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="buyerstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "due_cents",
                        django.db.models.functions.comparison.Greatest(
                            0,
                            django.db.models.expressions.CombinedExpression(
                                models.Value(0), "-", models.F("closing_cents")
                            ),
                        ),
                    )
                ),
                name="statement_due_fits",
            ),
        ),
        migrations.AddConstraint(
            model_name="buyerstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("month__day", 1)), name="statement_month_is_first_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="buyerstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("after_entry_id__lte", models.F("last_entry_id")), ("starts_at__lt", models.F("ends_at"))
                ),
                name="statement_range_fits",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyerstatement",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_buyerstatement is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="294210db0b80a121966cd74cb1d3cdb59a7c5d1a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_c543e",
                    table="distribution_buyerstatement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyerstatement",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_buyerstatement is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="45fa3b797906e21a608f64467ace9d97b122ace9",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_288fa",
                    table="distribution_buyerstatement",
                    when="BEFORE",
                ),
            ),
        ),
    ]
