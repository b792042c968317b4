"""Test sales: a column with a constant default, and triggers that leave them out."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0033_payables_of_refunds"),
        ("routing", "0044_test_leads_indexed"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="assignment",
            name="wake_on_return",
        ),
        migrations.AddField(
            model_name="assignment",
            name="is_test",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="test"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_return",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'sold' AND NEW.state = 'returned' AND NOT NEW.is_counted AND NOT NEW.is_test)",
                    declare="DECLARE cause text; reasons text[];",
                    func="cause := 'sale_returned'; reasons := ARRAY['all_buyers_capped', 'insufficient_credits']; \n    PERFORM routing_wake(cause, c.workspace_id, c.id, NEW.buyer_id, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)\n    FROM distribution_campaign c WHERE c.id = NEW.campaign_id AND c.active;\n    RETURN NULL;\n",
                    hash="7996f54a2e19aa14c8ac295ddd688316dc42b963",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_wake_on_return_4d133",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="test_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_test <> OLD.is_test)",
                    func="\n            RAISE EXCEPTION 'Whether assignment % is a test cannot be changed. Send it again.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'test_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="87c54e216532386fe72ce470d292e32de9fae27e",
                    operation='UPDATE OF "is_test"',
                    pgid="pgtrigger_test_is_fixed_fac30",
                    table="distribution_assignment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="assignment",
            name="payable_for_sale",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="assignment",
            name="payable_for_accepted",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="payable_for_sale",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'sold' AND NOT NEW.is_test)",
                    declare="DECLARE sold_lead bigint; paid_source bigint; version bigint;",
                    func="\n    SELECT l.id, l.source_id, c.id INTO sold_lead, paid_source, version\n    FROM routing_lead l\n    CROSS JOIN LATERAL (\n        SELECT id, pays FROM distribution_sourcecontract\n        WHERE source_id = l.source_id AND starts_at <= NEW.created_at\n        ORDER BY starts_at DESC, id DESC LIMIT 1\n    ) c\n    WHERE l.id = NEW.lead_id AND c.pays <> 'nothing';\n    IF NOT FOUND THEN\n        RETURN NULL;\n    END IF;\n    \n    PERFORM 1 FROM distribution_payableentry\n    WHERE lead_id = sold_lead AND kind = 'earned' ORDER BY id FOR NO KEY UPDATE;\n\n    WITH \n        paid_sale AS (\n            SELECT e.assignment_id, e.contract_id FROM distribution_payableentry e\n            WHERE e.lead_id = sold_lead AND e.kind = 'earned'\n            UNION SELECT NEW.id, version\n        ), sale AS (\n            SELECT a.id, c.id AS contract_id, c.pays, c.share_bps, c.amount_cents, a.price_cents,\n                CASE\n                    WHEN NOT c.returns_deducted THEN a.price_cents\n                    ELSE GREATEST(0, a.price_cents - COALESCE((\n                        SELECT SUM(r.amount_cents) FROM distribution_ledgerentry r\n                        WHERE r.assignment_id = a.id AND r.kind = 'refund'\n                    ), 0))::bigint\n                END AS left_cents,\n                NOT (c.returns_deducted AND a.state = 'returned') AS is_kept\n            FROM paid_sale p\n            JOIN distribution_assignment a ON a.id = p.assignment_id\n            JOIN distribution_sourcecontract c ON c.id = p.contract_id\n        ), share AS (\n            SELECT part / 10000 + CASE WHEN 2 * (part % 10000) > 10000 OR (2 * (part % 10000) = 10000 AND (part / 10000) % 2 = 1) THEN 1 ELSE 0 END AS cents FROM (\n                SELECT (share_bps * SUM(left_cents))::bigint AS part FROM sale\n                WHERE pays = 'share' GROUP BY contract_id, share_bps\n            ) version\n        ), most AS (\n            SELECT MAX(part / whole + CASE WHEN 2 * (part % whole) > whole OR (2 * (part % whole) = whole AND (part / whole) % 2 = 1) THEN 1 ELSE 0 END) AS cents FROM (\n                SELECT first.amount_cents * CASE WHEN price_cents > 0 THEN left_cents ELSE is_kept::int END AS part,\n                    GREATEST(price_cents, 1) AS whole\n                FROM sale, (\n                    SELECT amount_cents FROM sale WHERE pays = 'fixed' ORDER BY id LIMIT 1\n                ) first\n                WHERE pays = 'fixed'\n            ) fixed\n        ), entry AS (\n            SELECT GREATEST(0, COALESCE((SELECT SUM(cents) FROM share), 0) + COALESCE((SELECT cents FROM most), 0)\n                - COALESCE((\n                    SELECT SUM(amount_cents) FROM distribution_payableentry\n                    WHERE lead_id = sold_lead AND kind IN ('earned', 'deducted')\n                ), 0)) AS cents\n        )\n    \n    INSERT INTO distribution_payableentry (\n        source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id, actor, reason\n    )\n    SELECT paid_source, 'earned', cents, 'earned:' || NEW.public_id, sold_lead, NEW.id, version, 'engine', ''\n    FROM entry\n    ON CONFLICT (idempotency_key) DO NOTHING;\n    RETURN NULL;\n",
                    hash="a0823915fa7642e7649f64d509b72b1469b5ded4",
                    operation="INSERT",
                    pgid="pgtrigger_payable_for_sale_400fd",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="payable_for_accepted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'held' AND NEW.state = 'sold' AND NOT NEW.is_test)",
                    declare="DECLARE sold_lead bigint; paid_source bigint; version bigint;",
                    func="\n    SELECT l.id, l.source_id, c.id INTO sold_lead, paid_source, version\n    FROM routing_lead l\n    CROSS JOIN LATERAL (\n        SELECT id, pays FROM distribution_sourcecontract\n        WHERE source_id = l.source_id AND starts_at <= NEW.created_at\n        ORDER BY starts_at DESC, id DESC LIMIT 1\n    ) c\n    WHERE l.id = NEW.lead_id AND c.pays <> 'nothing';\n    IF NOT FOUND THEN\n        RETURN NULL;\n    END IF;\n    \n    PERFORM 1 FROM distribution_payableentry\n    WHERE lead_id = sold_lead AND kind = 'earned' ORDER BY id FOR NO KEY UPDATE;\n\n    WITH \n        paid_sale AS (\n            SELECT e.assignment_id, e.contract_id FROM distribution_payableentry e\n            WHERE e.lead_id = sold_lead AND e.kind = 'earned'\n            UNION SELECT NEW.id, version\n        ), sale AS (\n            SELECT a.id, c.id AS contract_id, c.pays, c.share_bps, c.amount_cents, a.price_cents,\n                CASE\n                    WHEN NOT c.returns_deducted THEN a.price_cents\n                    ELSE GREATEST(0, a.price_cents - COALESCE((\n                        SELECT SUM(r.amount_cents) FROM distribution_ledgerentry r\n                        WHERE r.assignment_id = a.id AND r.kind = 'refund'\n                    ), 0))::bigint\n                END AS left_cents,\n                NOT (c.returns_deducted AND a.state = 'returned') AS is_kept\n            FROM paid_sale p\n            JOIN distribution_assignment a ON a.id = p.assignment_id\n            JOIN distribution_sourcecontract c ON c.id = p.contract_id\n        ), share AS (\n            SELECT part / 10000 + CASE WHEN 2 * (part % 10000) > 10000 OR (2 * (part % 10000) = 10000 AND (part / 10000) % 2 = 1) THEN 1 ELSE 0 END AS cents FROM (\n                SELECT (share_bps * SUM(left_cents))::bigint AS part FROM sale\n                WHERE pays = 'share' GROUP BY contract_id, share_bps\n            ) version\n        ), most AS (\n            SELECT MAX(part / whole + CASE WHEN 2 * (part % whole) > whole OR (2 * (part % whole) = whole AND (part / whole) % 2 = 1) THEN 1 ELSE 0 END) AS cents FROM (\n                SELECT first.amount_cents * CASE WHEN price_cents > 0 THEN left_cents ELSE is_kept::int END AS part,\n                    GREATEST(price_cents, 1) AS whole\n                FROM sale, (\n                    SELECT amount_cents FROM sale WHERE pays = 'fixed' ORDER BY id LIMIT 1\n                ) first\n                WHERE pays = 'fixed'\n            ) fixed\n        ), entry AS (\n            SELECT GREATEST(0, COALESCE((SELECT SUM(cents) FROM share), 0) + COALESCE((SELECT cents FROM most), 0)\n                - COALESCE((\n                    SELECT SUM(amount_cents) FROM distribution_payableentry\n                    WHERE lead_id = sold_lead AND kind IN ('earned', 'deducted')\n                ), 0)) AS cents\n        )\n    \n    INSERT INTO distribution_payableentry (\n        source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id, actor, reason\n    )\n    SELECT paid_source, 'earned', cents, 'earned:' || NEW.public_id, sold_lead, NEW.id, version, 'engine', ''\n    FROM entry\n    ON CONFLICT (idempotency_key) DO NOTHING;\n    RETURN NULL;\n",
                    hash="71cf38ad547512dc02eeac1e81fe001280f2e986",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payable_for_accepted_8a74b",
                    table="distribution_assignment",
                    when="AFTER",
                ),
            ),
        ),
    ]
