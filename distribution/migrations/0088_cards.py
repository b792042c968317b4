"""Cards of buyers, payments by card with refunds and disputes, the inbox of webhooks, automatic recharge."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0087_wallets_of_cards_checked"),
        ("routing", "0048_last_use_of_source_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="CardCustomer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider_id", models.CharField(max_length=255, unique=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "buyer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="card_customer",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.workspace"
                    ),
                ),
            ],
            options={"db_table": "distribution_cardcustomer", "default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Card",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                ("provider_id", models.CharField(max_length=255, unique=True)),
                ("brand", models.CharField(max_length=30)),
                ("last4", models.CharField(max_length=4, verbose_name="last four digits")),
                ("exp_month", models.PositiveSmallIntegerField()),
                ("exp_year", models.PositiveSmallIntegerField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("removed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cards",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.workspace"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cards",
                        to="distribution.cardcustomer",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_card",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=("buyer",),
                        name="card_one_current_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last4__regex", "^[0-9]{4}$")), name="card_last_four_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("exp_month__gte", 1), ("exp_month__lte", 12)),
                        name="card_expires_in_a_month",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Recharge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_on", models.BooleanField(default=False, verbose_name="on")),
                (
                    "threshold_cents",
                    models.BigIntegerField(
                        help_text="A payment is made when the balance less holds falls below this.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100000000),
                        ],
                        verbose_name="threshold",
                    ),
                ),
                (
                    "amount_cents",
                    models.BigIntegerField(
                        help_text="What each payment adds.",
                        validators=[
                            django.core.validators.MinValueValidator(50),
                            django.core.validators.MaxValueValidator(1000000),
                        ],
                        verbose_name="amount",
                    ),
                ),
                (
                    "day_limit_cents",
                    models.BigIntegerField(
                        help_text="The most that is recharged in a calendar day of the buyer.",
                        validators=[
                            django.core.validators.MinValueValidator(50),
                            django.core.validators.MaxValueValidator(100000000),
                        ],
                        verbose_name="limit per day",
                    ),
                ),
                (
                    "week_limit_cents",
                    models.BigIntegerField(
                        help_text="The most that is recharged in a week from Monday.",
                        validators=[
                            django.core.validators.MinValueValidator(50),
                            django.core.validators.MaxValueValidator(100000000),
                        ],
                        verbose_name="limit per week",
                    ),
                ),
                (
                    "month_limit_cents",
                    models.BigIntegerField(
                        help_text="The most that is recharged in a calendar month.",
                        validators=[
                            django.core.validators.MinValueValidator(50),
                            django.core.validators.MaxValueValidator(100000000),
                        ],
                        verbose_name="limit per month",
                    ),
                ),
                (
                    "max_tries",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="How many declined payments in a row pause it. A payment that must be confirmed pauses it at once.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(5),
                        ],
                        verbose_name="tries",
                    ),
                ),
                (
                    "declines",
                    models.PositiveSmallIntegerField(
                        default=0, editable=False, verbose_name="declined in a row"
                    ),
                ),
                ("not_before", models.DateTimeField(blank=True, editable=False, null=True)),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "pause_reason",
                    models.CharField(
                        blank=True,
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
                        editable=False,
                        max_length=20,
                    ),
                ),
                (
                    "wallet",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recharge",
                        to="distribution.wallet",
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
                "verbose_name": "automatic recharge",
                "db_table": "distribution_recharge",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("threshold_cents__gte", 0)),
                        name="recharge_threshold_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gte", 50), ("amount_cents__lte", 1000000)),
                        name="recharge_amount_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("day_limit_cents__gte", models.F("amount_cents")),
                            ("week_limit_cents__gte", models.F("day_limit_cents")),
                            ("month_limit_cents__gte", models.F("week_limit_cents")),
                        ),
                        name="recharge_limits_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_tries__gte", 1), ("max_tries__lte", 5)),
                        name="recharge_tries_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("pause_reason", ""), ("paused_at__isnull", True)),
                            models.Q(
                                ("paused_at__isnull", False), models.Q(("pause_reason", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="recharge_pause_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CardPayment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("buyer", "bought by the buyer"),
                            ("recharge", "automatic recharge"),
                            ("surplus", "taken a second time"),
                        ],
                        max_length=10,
                    ),
                ),
                ("actor", models.CharField(max_length=100, verbose_name="who")),
                ("amount_cents", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("processing", "processing"),
                            ("needs_action", "must be confirmed by the cardholder"),
                            ("succeeded", "succeeded"),
                            ("failed", "failed"),
                            ("canceled", "canceled"),
                            ("surplus", "surplus: paid twice, to be paid back"),
                        ],
                        default="open",
                        max_length=20,
                    ),
                ),
                (
                    "provider_id",
                    models.CharField(
                        blank=True, max_length=255, null=True, unique=True, verbose_name="payment intent"
                    ),
                ),
                ("failure_code", models.CharField(blank=True, max_length=100)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("refunded_cents", models.BigIntegerField(default=0)),
                (
                    "card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="distribution.card",
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="card_payment",
                        to="distribution.ledgerentry",
                    ),
                ),
                (
                    "surplus_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="surplus_payments",
                        to="distribution.cardpayment",
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="card_payments",
                        to="distribution.wallet",
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
                "verbose_name": "card payment",
                "db_table": "distribution_cardpayment",
                "default_permissions": ("view", "change"),
                "indexes": [
                    models.Index(fields=["wallet", "-id"], name="payment_wallet_newest"),
                    models.Index(
                        condition=models.Q(("state__in", ("open", "processing", "needs_action"))),
                        fields=["next_try_at"],
                        name="payment_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("open", "processing", "needs_action"))),
                        fields=("wallet",),
                        name="payment_one_pending_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_cents__gte", 50),
                            models.Q(("amount_cents__lte", 1000000), ("origin", "surplus"), _connector="OR"),
                        ),
                        name="payment_amount_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True),
                                ("next_try_at__isnull", False),
                                ("state__in", ("open", "processing", "needs_action")),
                            ),
                            models.Q(
                                models.Q(
                                    ("state__in", ("open", "processing", "needs_action")), _negated=True
                                ),
                                ("ended_at__isnull", False),
                                ("next_try_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="payment_pending_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("entry__isnull", False),
                                ("provider_id__isnull", False),
                                ("state", "succeeded"),
                            ),
                            models.Q(
                                models.Q(("state", "succeeded"), _negated=True), ("entry__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="payment_succeeded_is_credited",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("origin", "surplus"),
                                ("provider_id__isnull", False),
                                ("state", "surplus"),
                                ("surplus_of__isnull", False),
                            ),
                            models.Q(
                                models.Q(("state", "surplus"), _negated=True),
                                models.Q(("origin", "surplus"), _negated=True),
                                ("surplus_of__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="payment_surplus_names_the_first",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_cents__gte", 0), ("refunded_cents__lte", models.F("amount_cents"))
                        ),
                        name="payment_refunded_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CardRefund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                ("amount_cents", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("done", "done"), ("failed", "failed")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("provider_id", models.CharField(blank=True, max_length=255)),
                ("failure_code", models.CharField(blank=True, max_length=100)),
                ("actor", models.CharField(max_length=100, verbose_name="who")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="why")),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="distribution.cardpayment",
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
                "verbose_name": "card refund",
                "db_table": "distribution_cardrefund",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["next_try_at"], name="refund_due"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("payment",),
                        name="refund_one_open_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="refund_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True), ("next_try_at__isnull", False), ("state", "open")
                            ),
                            models.Q(
                                models.Q(("state", "open"), _negated=True),
                                ("ended_at__isnull", False),
                                ("next_try_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="refund_open_is_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CardDispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider_id", models.CharField(max_length=255, unique=True)),
                ("payment_provider_id", models.CharField(max_length=255, verbose_name="payment intent")),
                ("status", models.CharField(max_length=40)),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("amount_cents", models.BigIntegerField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("given_back_at", models.DateTimeField(blank=True, null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="distribution.cardpayment",
                    ),
                ),
            ],
            options={
                "verbose_name": "card dispute",
                "db_table": "distribution_carddispute",
                "default_permissions": (),
                "indexes": [models.Index(fields=["payment_provider_id"], name="dispute_of_intent")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("given_back_at__isnull", True), ("taken_at__isnull", False), _connector="OR"
                        ),
                        name="dispute_given_back_was_taken",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("taken_at__isnull", True), ("payment__isnull", False), _connector="OR"
                        ),
                        name="dispute_taken_has_payment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gt", 0)), name="dispute_amount_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderEvent",
            fields=[
                ("event_id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=100)),
                ("object_id", models.CharField(blank=True, max_length=255)),
                ("result", models.CharField(max_length=30)),
                (
                    "received_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "db_table": "distribution_providerevent",
                "default_permissions": (),
                "indexes": [models.Index(fields=["received_at"], name="providerevent_received")],
            },
        ),
        migrations.CreateModel(
            name="PaymentMark",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("read_until", models.DateTimeField()),
            ],
            options={"db_table": "distribution_paymentmark", "default_permissions": ()},
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cardcustomer",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id, NEW.workspace_id) IS DISTINCT FROM ROW(OLD.buyer_id, OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The buyer and workspace of customer % cannot be changed. Add a card of the buyer.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="a104d2e540983bfab468d90af7f0f37c7b615202",
                    operation='UPDATE OF "buyer_id", "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_c5d2d",
                    table="distribution_cardcustomer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="card",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id, NEW.workspace_id, NEW.customer_id) IS DISTINCT FROM ROW(OLD.buyer_id, OLD.workspace_id, OLD.customer_id))",
                    func="\n            RAISE EXCEPTION 'The buyer and workspace and customer of card % cannot be changed. Add another card.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="1feda21df05530776f4c7bcdd87363b07ea9d885",
                    operation='UPDATE OF "buyer_id", "workspace_id", "customer_id"',
                    pgid="pgtrigger_owner_is_fixed_957f6",
                    table="distribution_card",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recharge",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.wallet_id, NEW.workspace_id) IS DISTINCT FROM ROW(OLD.wallet_id, OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The wallet and workspace of recharge % cannot be changed. Change that of the other wallet.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="b2b30dc764f05466bf742a9e4d6e083e4d9c56b7",
                    operation='UPDATE OF "wallet_id", "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_6c06b",
                    table="distribution_recharge",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recharge",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_pause",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.paused_at IS NULL AND NEW.paused_at IS NOT NULL AND NEW.pause_reason NOT IN ('by_hand', 'by_buyer'))",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    PERFORM distribution_emit(\n        'wallet.recharge_failed', w.buyer_id, NULL, NEW.workspace_id, NULL, NULL, NULL,\n        jsonb_build_object(\n            'pause_reason', NEW.pause_reason, 'amount_cents', NEW.amount_cents, 'balance_cents', w.balance_cents,\n            'held_cents', w.held_cents\n        ), NULL\n    ) FROM distribution_wallet w WHERE w.id = NEW.wallet_id;\n RETURN NULL;",
                    hash="f6340acccf1b640761a24f81df426dca565598c1",
                    operation='UPDATE OF "paused_at"',
                    pgid="pgtrigger_event_of_pause_d2573",
                    table="distribution_recharge",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recharge",
            trigger=pgtrigger.compiler.Trigger(
                name="arm_wallet",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    UPDATE distribution_wallet SET recharge_below_cents =\n                        CASE WHEN NEW.is_on AND NEW.paused_at IS NULL THEN NEW.threshold_cents END\n                    WHERE id = NEW.wallet_id;\n                    RETURN NULL;\n                ",
                    hash="fe5ce6821a52c74245e1c2310c532b75d5140fa4",
                    operation='INSERT OR UPDATE OF "is_on", "paused_at", "threshold_cents"',
                    pgid="pgtrigger_arm_wallet_66d57",
                    table="distribution_recharge",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cardpayment",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.wallet_id, NEW.workspace_id, NEW.card_id) IS DISTINCT FROM ROW(OLD.wallet_id, OLD.workspace_id, OLD.card_id))",
                    func="\n            RAISE EXCEPTION 'The wallet and workspace and card of payment % cannot be changed. Make another payment.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="276523e746f538d8fc861adf7061a2247b0243bd",
                    operation='UPDATE OF "wallet_id", "workspace_id", "card_id"',
                    pgid="pgtrigger_owner_is_fixed_aa880",
                    table="distribution_cardpayment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cardpayment",
            trigger=pgtrigger.compiler.Trigger(
                name="success_is_final",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IN ('succeeded', 'surplus'))",
                    func="\n                    RAISE EXCEPTION 'Card payment % is % and stays so.', OLD.id, OLD.state\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_success_is_final', TABLE = TG_TABLE_NAME;\n                ",
                    hash="d055681b094aad04c6b3c7024d742a2428b4d715",
                    operation='UPDATE OF "state", "amount_cents", "provider_id", "entry_id" OR DELETE',
                    pgid="pgtrigger_success_is_final_e52ac",
                    table="distribution_cardpayment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cardpayment",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_payer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'open')",
                    func="NOTIFY leadswitch_payments; RETURN NULL;",
                    hash="3ec2c6f41fa46f6f5cb40af85788c5a2e024d691",
                    operation="INSERT",
                    pgid="pgtrigger_notify_payer_bb59f",
                    table="distribution_cardpayment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cardrefund",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_payer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'open')",
                    func="NOTIFY leadswitch_payments; RETURN NULL;",
                    hash="d9e610ee59c7bd23e81e1dddf269d42c0511da82",
                    operation="INSERT",
                    pgid="pgtrigger_notify_payer_24d87",
                    table="distribution_cardrefund",
                    when="AFTER",
                ),
            ),
        ),
    ]
