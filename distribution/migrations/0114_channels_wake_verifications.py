"""A channel that opens makes the verifications due that waited for one."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0113_calling_hours_of_states")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_enabled AND NEW.flagged_at IS NULL)",
                    func="\n    PERFORM pg_advisory_xact_lock(30526189868511859);\n    WITH parked AS (\n        SELECT id FROM distribution_verification\n        WHERE state = 'waiting' AND reason <> '' AND reason IN ('channel_closed', 'no_channel') AND due_at > clock_timestamp() AND workspace_id = NEW.workspace_id\n        FOR NO KEY UPDATE SKIP LOCKED\n    )\n    UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;\n    IF FOUND THEN\n        NOTIFY leadswitch_calls;\n    END IF;\n    RETURN NULL;\n",
                    hash="b2595745096cce97dd4a81ad6860151ae2308d61",
                    operation="INSERT",
                    pgid="pgtrigger_wake_on_insert_a0e52",
                    table="distribution_channel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.is_enabled AND NEW.flagged_at IS NULL AND (NOT OLD.is_enabled OR OLD.flagged_at IS NOT NULL OR NEW.hours IS DISTINCT FROM OLD.hours OR NEW.timezone IS DISTINCT FROM OLD.timezone))",
                    func="\n    PERFORM pg_advisory_xact_lock(30526189868511859);\n    WITH parked AS (\n        SELECT id FROM distribution_verification\n        WHERE state = 'waiting' AND reason <> '' AND reason IN ('channel_closed', 'no_channel') AND due_at > clock_timestamp() AND workspace_id = NEW.workspace_id\n        FOR NO KEY UPDATE SKIP LOCKED\n    )\n    UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;\n    IF FOUND THEN\n        NOTIFY leadswitch_calls;\n    END IF;\n    RETURN NULL;\n",
                    hash="205b4906d01cae0570ed63cb9d999d7f96ad1c95",
                    operation='UPDATE OF "is_enabled", "flagged_at", "hours", "timezone"',
                    pgid="pgtrigger_wake_on_update_321ea",
                    table="distribution_channel",
                    when="AFTER",
                ),
            ),
        ),
    ]
