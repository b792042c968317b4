"""Messages of triggers in plain sentences, and a trigger that keeps a revoked key revoked. Changes no table."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0031_plain_words"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="lead",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="routingrule",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="routingrule",
            name="no_cycle",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="source",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="sourcekey",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lead",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.source_id, NEW.source_workspace_id) IS DISTINCT FROM ROW(OLD.source_id, OLD.source_workspace_id))",
                    func="\n            RAISE EXCEPTION 'The source and source workspace of lead % cannot be changed. Cancel it and have the other source send it.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="70d6d522afe4a962990fe867264fbf0883e84b77",
                    operation='UPDATE OF "source_id", "source_workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_64bd9",
                    table="routing_lead",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="no_cycle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE is_ring boolean; hops_before int; hops_after int;",
                    func="\n    IF NOT NEW.active THEN\n        RETURN NULL;\n    END IF;\n    WITH RECURSIVE onward(id, hops) AS (\n        SELECT NEW.destination_id, 1\n        UNION\n        SELECT r.destination_id, o.hops + 1 FROM onward o JOIN routing_rule r ON r.workspace_id = o.id AND r.active\n        WHERE o.hops <= 8 AND o.id <> NEW.workspace_id\n    )\n    SELECT bool_or(id = NEW.workspace_id), max(hops) INTO is_ring, hops_after FROM onward;\n    IF is_ring THEN\n        RAISE EXCEPTION 'Rule % makes a cycle. Its leads would return to workspace %. Choose another destination.',\n            NEW.id, NEW.workspace_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_makes_no_cycle', TABLE = 'routing_rule';\n    END IF;\n    WITH RECURSIVE before(id, hops) AS (\n        SELECT NEW.workspace_id, 0\n        UNION\n        SELECT r.workspace_id, b.hops + 1 FROM before b JOIN routing_rule r ON r.destination_id = b.id AND r.active\n        WHERE b.hops <= 8\n    )\n    SELECT max(hops) INTO hops_before FROM before;\n    IF hops_before + hops_after > 8 THEN\n        RAISE EXCEPTION 'Rule % makes a path of more than 8 rules. Uncheck Active on one of them.', NEW.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_path_is_short', TABLE = 'routing_rule';\n    END IF;\n    RETURN NULL;\n",
                    hash="ea88e63564deb17ee56aea25d390043de3a5930c",
                    operation='INSERT OR UPDATE OF "workspace_id", "active", "destination_id"',
                    pgid="pgtrigger_no_cycle_a54b7",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of rule % cannot be changed. Uncheck Active and add a rule to the other workspace.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="39220b07740bf530bf8d3655556b65a27a18fc8a",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_55aed",
                    table="routing_rule",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="source",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.workspace_id) IS DISTINCT FROM ROW(OLD.workspace_id))",
                    func="\n            RAISE EXCEPTION 'The workspace of source % cannot be changed. Add a source to the other workspace and issue its keys there.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="e80be66d125f2de9a27c359b4d60697671087d14",
                    operation='UPDATE OF "workspace_id"',
                    pgid="pgtrigger_owner_is_fixed_65757",
                    table="routing_source",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcekey",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.source_id) IS DISTINCT FROM ROW(OLD.source_id))",
                    func="\n            RAISE EXCEPTION 'The source of key % cannot be changed. Revoke it and issue a key for the other source.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="3d561c381d341d1db1dbcef76efbbed796c8b389",
                    operation='UPDATE OF "source_id"',
                    pgid="pgtrigger_owner_is_fixed_99cea",
                    table="routing_sourcekey",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcekey",
            trigger=pgtrigger.compiler.Trigger(
                name="revoked_key_stays_revoked",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.revoked AND NOT NEW.revoked)",
                    func="\n            RAISE EXCEPTION 'Key % is revoked and stays revoked. Issue a new key.', OLD.prefix\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'revoked_key_stays_revoked', TABLE = TG_TABLE_NAME;\n        ",
                    hash="f8545ce435ee79370f7a3ad46e3b7f95b4ffdca4",
                    operation='UPDATE OF "revoked"',
                    pgid="pgtrigger_revoked_key_stays_revoked_37aa8",
                    table="routing_sourcekey",
                    when="BEFORE",
                ),
            ),
        ),
    ]
