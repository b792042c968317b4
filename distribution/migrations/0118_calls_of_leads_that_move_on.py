"""A lead that is canceled or expires hangs up its call."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0117_resumed_workspaces_wake_dialers")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="leadwithverifications",
            name="end_of_verification",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leadwithverifications",
            trigger=pgtrigger.compiler.Trigger(
                name="end_of_verification",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.status IN ('gated', 'calling') AND NEW.status NOT IN ('gated', 'calling'))",
                    func="\n            UPDATE distribution_verification SET state = 'closed', ended_at = clock_timestamp(), due_at = NULL\n            WHERE lead_id = NEW.id AND ended_at IS NULL;\n            IF NOT FOUND THEN\n                RETURN NULL;\n            END IF;\n            WITH hung_up AS (\n                UPDATE distribution_call SET hang_up_at = clock_timestamp(), next_check_at = clock_timestamp()\n                WHERE lead_id = NEW.id AND ended_at IS NULL AND hang_up_at IS NULL AND key = ''\n                RETURNING id, verification_id\n            )\n            INSERT INTO distribution_callevent (verification_id, call_id, at, code, data)\n            SELECT verification_id, id, clock_timestamp(), 'hung_up', '{\"why\": \"lead_moved_on\"}' FROM hung_up;\n            IF FOUND THEN\n                NOTIFY leadswitch_calls;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="75eb5c05757a32bcc2f673d74d423c9fd1024873",
                    operation='UPDATE OF "status"',
                    pgid="pgtrigger_end_of_verification_8ad3a",
                    table="routing_lead",
                    when="AFTER",
                ),
            ),
        ),
    ]
