"""Adds the limit below which subscribers hear of a wallet, and its event."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0046_events_function"),
    ]

    operations = [
        migrations.AddField(
            model_name="wallet",
            name="notice_below_cents",
            field=models.BigIntegerField(
                blank=True,
                help_text="Subscribers to wallet.low hear of it when less than this is available, with the credit limit. Blank: never.",
                null=True,
                verbose_name="notice below",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="event_of_low",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((NEW.balance_cents - NEW.held_cents + NEW.credit_limit_cents) < NEW.notice_below_cents AND (OLD.balance_cents - OLD.held_cents + OLD.credit_limit_cents) >= NEW.notice_below_cents)",
                    func="\n    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN\n        RETURN NULL;\n    END IF;\n\n    PERFORM distribution_emit(\n        'wallet.low', NEW.buyer_id, NULL, (SELECT workspace_id FROM distribution_buyer WHERE id = NEW.buyer_id), NULL, NULL, NULL,\n        jsonb_build_object(\n            'balance_cents', NEW.balance_cents, 'held_cents', NEW.held_cents, 'available_cents', (NEW.balance_cents - NEW.held_cents + NEW.credit_limit_cents),\n            'notice_below_cents', NEW.notice_below_cents\n        ), NULL\n    );\n RETURN NULL;",
                    hash="46c2b46ef2b2f198cd5eb944f9fe7c4237531b25",
                    operation='UPDATE OF "balance_cents", "held_cents", "credit_limit_cents"',
                    pgid="pgtrigger_event_of_low_804cd",
                    table="distribution_wallet",
                    when="AFTER",
                ),
            ),
        ),
    ]
