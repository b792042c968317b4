"""The contracts of sources, and the ledger of what they are owed. Both tables are new.

Its foreign keys lock the tables of sources, leads and assignments for a moment, in the order in which a sale does.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0030_deliveries"),
        ("routing", "0040_plain_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="SourceContract",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "pays",
                    models.CharField(
                        choices=[
                            ("fixed", "fixed amount for each sold lead"),
                            ("share", "share of the revenue of each lead"),
                            ("nothing", "nothing"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "amount_cents",
                    models.BigIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(10000000),
                        ],
                    ),
                ),
                (
                    "share_bps",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="100 basis points are 1%.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                        verbose_name="share in basis points",
                    ),
                ),
                (
                    "returns_deducted",
                    models.BooleanField(default=True, verbose_name="returned leads are deducted"),
                ),
                ("valid_from", models.DateField()),
                ("starts_at", models.DateTimeField(editable=False)),
                ("actor", models.CharField(editable=False, max_length=150, verbose_name="who")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="why")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="routing.source",
                    ),
                ),
            ],
            options={
                "verbose_name": "contract of a source",
                "verbose_name_plural": "contracts of sources",
                "db_table": "distribution_sourcecontract",
            },
        ),
        migrations.CreateModel(
            name="PayableEntry",
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
                            ("earned", "earned by a sale"),
                            ("deducted", "deducted for a return"),
                            ("adjustment", "manual adjustment"),
                            ("paid", "paid to the source"),
                        ],
                        max_length=10,
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("idempotency_key", models.CharField(max_length=255)),
                ("actor", models.CharField(max_length=150, verbose_name="who")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="why")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payables",
                        to="routing.source",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payables",
                        to="routing.lead",
                    ),
                ),
                (
                    "assignment",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payables",
                        to="distribution.assignment",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payables",
                        to="distribution.sourcecontract",
                    ),
                ),
            ],
            options={
                "verbose_name": "payable",
                "verbose_name_plural": "payables",
                "db_table": "distribution_payableentry",
            },
        ),
        migrations.AddIndex(
            model_name="sourcecontract",
            index=models.Index(fields=["source", "-starts_at", "-id"], name="contract_in_force"),
        ),
        migrations.AddConstraint(
            model_name="sourcecontract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount_cents__isnull", False),
                        ("amount_cents__range", (0, 10000000)),
                        ("pays", "fixed"),
                        ("share_bps__isnull", True),
                    ),
                    models.Q(
                        ("amount_cents__isnull", True),
                        ("pays", "share"),
                        ("share_bps__isnull", False),
                        ("share_bps__range", (1, 10000)),
                    ),
                    models.Q(
                        ("amount_cents__isnull", True), ("pays", "nothing"), ("share_bps__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="contract_terms_fit",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcecontract",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_sourcecontract is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="4b3b239b5bcc54020232c5f580ac92541371e304",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_4dcfe",
                    table="distribution_sourcecontract",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcecontract",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_sourcecontract is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="49a4bb9f6f4f25c5c29f893cf2d24d12bd5cbded",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_57e95",
                    table="distribution_sourcecontract",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcecontract",
            trigger=pgtrigger.compiler.Trigger(
                name="contract_not_backwards",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            PERFORM 1 FROM routing_source WHERE id = NEW.source_id FOR UPDATE;\n            IF NEW.starts_at <= clock_timestamp()\n                AND EXISTS (SELECT 1 FROM routing_lead WHERE source_id = NEW.source_id) THEN\n                RAISE EXCEPTION 'A contract cannot start in the past. Let it start later.'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_not_backwards', TABLE = TG_TABLE_NAME;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="3c80c1bb6551b2285782a3b664e3febc4e56e1a8",
                    operation="INSERT",
                    pgid="pgtrigger_contract_not_backwards_5d1c8",
                    table="distribution_sourcecontract",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="payableentry",
            index=models.Index(fields=["source", "id"], include=("amount_cents",), name="payable_of_source"),
        ),
        migrations.AddIndex(
            model_name="payableentry",
            index=models.Index(
                fields=["source", "created_at"],
                include=("kind", "amount_cents", "lead"),
                name="payable_of_period",
            ),
        ),
        migrations.AddIndex(
            model_name="payableentry",
            index=models.Index(
                condition=models.Q(("lead__isnull", False)), fields=["lead"], name="payable_of_lead"
            ),
        ),
        migrations.AddIndex(
            model_name="payableentry",
            index=models.Index(
                condition=models.Q(("kind__in", ["adjustment", "paid"])),
                fields=["source", "-id"],
                name="payable_by_hand",
            ),
        ),
        migrations.AddConstraint(
            model_name="payableentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            models.Q(("amount_cents__gte", 0), ("kind", "earned")),
                            models.Q(("amount_cents__lte", 0), ("kind", "deducted")),
                            _connector="OR",
                        ),
                        ("assignment__isnull", False),
                        ("contract__isnull", False),
                        ("lead__isnull", False),
                    ),
                    models.Q(
                        models.Q(
                            models.Q(
                                ("kind", "adjustment"),
                                models.Q(("amount_cents", 0), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            models.Q(("amount_cents__lt", 0), ("kind", "paid")),
                            _connector="OR",
                        ),
                        ("assignment__isnull", True),
                        ("contract__isnull", True),
                        ("lead__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="payable_fits_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="payableentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("idempotency_key", ""), _negated=True), name="payable_key_not_blank"
            ),
        ),
        migrations.AddConstraint(
            model_name="payableentry",
            constraint=models.UniqueConstraint(fields=("idempotency_key",), name="payable_key_once"),
        ),
        migrations.AddConstraint(
            model_name="payableentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "earned")),
                fields=("assignment",),
                name="payable_one_for_each_sale",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payableentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_payableentry is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="6fb59b6c0c58e191bc0a72b013e193bc39ef6d3b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_90e62",
                    table="distribution_payableentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payableentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_payableentry is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="22bbec47bfa4dbf93a59182c9d37104899f27c96",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_5a1f7",
                    table="distribution_payableentry",
                    when="BEFORE",
                ),
            ),
        ),
    ]
