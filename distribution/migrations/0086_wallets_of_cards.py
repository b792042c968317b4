"""What wallets need for cards: chargebacks below the limit, the threshold of a recharge. Instant on a large table."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0085_bid_ids")]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it allows more"}

    operations = [
        migrations.RemoveConstraint(
            model_name="wallet",
            name="wallet_not_below_limit",
        ),
        migrations.AddField(
            model_name="wallet",
            name="charged_back_cents",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="wallet",
            name="recharge_below_cents",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="shrink_charged_back",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.charged_back_cents > 0)",
                    func="\n            NEW.charged_back_cents = LEAST(\n                NEW.charged_back_cents,\n                GREATEST(0, NEW.held_cents - NEW.credit_limit_cents - NEW.balance_cents)\n            );\n            RETURN NEW;\n        ",
                    hash="576564e974a93b06d2ab094a97afbb8208047ca6",
                    operation='UPDATE OF "balance_cents", "held_cents", "credit_limit_cents"',
                    pgid="pgtrigger_shrink_charged_back_81438",
                    table="distribution_wallet",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_recharge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((NEW.balance_cents - NEW.held_cents) < NEW.recharge_below_cents AND ((OLD.balance_cents - OLD.held_cents) < OLD.recharge_below_cents) IS NOT TRUE)",
                    func="NOTIFY leadswitch_payments; RETURN NULL;",
                    hash="aeeba2abb5be625144fdd55cf421833eeaaa25f4",
                    operation='UPDATE OF "balance_cents", "held_cents", "recharge_below_cents"',
                    pgid="pgtrigger_notify_recharge_54cb9",
                    table="distribution_wallet",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "balance_cents__gte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("held_cents"), "-", models.F("credit_limit_cents")
                            ),
                            "-",
                            models.F("charged_back_cents"),
                        ),
                    )
                ),
                name="wallet_not_below_limit",
            ),
        ),
        AddConstraintNotValid(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("charged_back_cents__gte", 0)), name="wallet_charged_back_not_negative"
            ),
        ),
    ]
