"""Messages of triggers in plain sentences, and a trigger that keeps a revoked key revoked. Changes no table."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0023_plain_words"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="assignment",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="buyer",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="buyerkey",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaignsnapshot",
            name="refuse_change",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaignsnapshot",
            name="refuse_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="same_campaign_and_workspace",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="ledgerentry",
            name="refuse_change",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="ledgerentry",
            name="refuse_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="tier",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="wallet",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.lead_id, NEW.buyer_id, NEW.campaign_id) IS DISTINCT FROM ROW(OLD.lead_id, OLD.buyer_id, OLD.campaign_id))",
                    func="\n            RAISE EXCEPTION 'The lead and buyer and campaign of assignment % cannot be changed. Return it and sell the lead again.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="fd1d77277d001e36c51be95efccf4edce8eaad54",
                    operation='UPDATE OF "lead_id", "buyer_id", "campaign_id"',
                    pgid="pgtrigger_owner_is_fixed_5c5d9",
                    table="distribution_assignment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyer",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of buyer % cannot be changed. Pause it and add a buyer to the other workspace.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="1ff374c5a6f4719d864b77a324a9462ea90a8cbc",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_e94ac",
                    table="distribution_buyer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyerkey",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id) IS DISTINCT FROM ROW(OLD.buyer_id))",
                    func="\n            RAISE EXCEPTION 'The buyer of key % cannot be changed. Revoke it and issue a key for the other buyer.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="cade4654c92bf6ea8bc9d177279810f8ec76b166",
                    operation='UPDATE OF "buyer_id"',
                    pgid="pgtrigger_owner_is_fixed_f05ba",
                    table="distribution_buyerkey",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="buyerkey",
            trigger=pgtrigger.compiler.Trigger(
                name="revoked_key_stays_revoked",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.revoked AND NOT NEW.revoked)",
                    func="\n            RAISE EXCEPTION 'Key % is revoked and stays revoked. Issue a new key.', OLD.prefix\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'revoked_key_stays_revoked', TABLE = TG_TABLE_NAME;\n        ",
                    hash="be1bdfdf28e08b47efab5fe9a948af635467461c",
                    operation='UPDATE OF "revoked"',
                    pgid="pgtrigger_revoked_key_stays_revoked_ebf70",
                    table="distribution_buyerkey",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of campaign % cannot be changed. Uncheck Active and add a campaign to the other workspace.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="db46b9eaad00017e6dc649611775ad9a4cef5b09",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_a3d56",
                    table="distribution_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaignsnapshot",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_campaignsnapshot is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="9da7360acbed2392c67bf6ff7ab34950313f6b91",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_47e40",
                    table="distribution_campaignsnapshot",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaignsnapshot",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_campaignsnapshot is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="3a76e328dcc59f525688370ea0b5d125c3c1e43a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_6dcd8",
                    table="distribution_campaignsnapshot",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.campaign_id, NEW.buyer_id) IS DISTINCT FROM ROW(OLD.campaign_id, OLD.buyer_id))",
                    func="\n            RAISE EXCEPTION 'The campaign and buyer of enrollment % cannot be changed. Delete it or uncheck Active, and enroll the buyer in the other campaign.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="f2d9dc4a8501a987b02626dd6f788c64c25f09b8",
                    operation='UPDATE OF "campaign_id", "buyer_id"',
                    pgid="pgtrigger_owner_is_fixed_24634",
                    table="distribution_enrollment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="same_campaign_and_workspace",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM distribution_tier t\n                        JOIN distribution_campaign c ON c.id = t.campaign_id\n                        JOIN distribution_buyer b ON b.workspace_id = c.workspace_id\n                        WHERE t.id = NEW.tier_id AND c.id = NEW.campaign_id AND b.id = NEW.buyer_id\n                    ) THEN\n                        RAISE EXCEPTION 'An enrollment needs a tier of its campaign and a buyer of the same workspace.'\n                        USING ERRCODE = 'check_violation', CONSTRAINT = 'enrollment_same_campaign_and_workspace';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="ba4f3c5de8b59af387f9849977ea51b4d914248f",
                    operation='INSERT OR UPDATE OF "campaign_id", "tier_id", "buyer_id"',
                    pgid="pgtrigger_same_campaign_and_workspace_92939",
                    table="distribution_enrollment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_ledgerentry is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="099dbd22dd35563f169a7a15e096b91920195099",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refuse_change_451c8",
                    table="distribution_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_ledgerentry is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="c5d2cc59cdf223edb2e8f170161df061a141ac78",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_refuse_truncate_b9ba6",
                    table="distribution_ledgerentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tier",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.campaign_id) IS DISTINCT FROM ROW(OLD.campaign_id))",
                    func="\n            RAISE EXCEPTION 'The campaign of tier % cannot be changed. Add a tier to the other campaign and enroll its buyers there.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="85d50910fb03039d9d80302d7cf9ca16f7d1747b",
                    operation='UPDATE OF "campaign_id"',
                    pgid="pgtrigger_owner_is_fixed_a28e6",
                    table="distribution_tier",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.buyer_id) IS DISTINCT FROM ROW(OLD.buyer_id))",
                    func="\n            RAISE EXCEPTION 'The buyer of wallet % cannot be changed. Every buyer has its own wallet. Adjust both balances.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="9870afa8c27340eb5b9c32241b66a559ef374c11",
                    operation='UPDATE OF "buyer_id"',
                    pgid="pgtrigger_owner_is_fixed_d346a",
                    table="distribution_wallet",
                    when="BEFORE",
                ),
            ),
        ),
    ]
