"""A phone that is blocked with its old and its new hash keeps one entry when its hash is computed anew."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0128_new_reports_by_call"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="leadwithverifications",
            name="new_phone_hash",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leadwithverifications",
            trigger=pgtrigger.compiler.Trigger(
                name="new_phone_hash",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.phone = OLD.phone AND NEW.phone_hash <> OLD.phone_hash)",
                    func="\n            UPDATE distribution_blockedphone kept SET is_opt_out = TRUE FROM distribution_blockedphone earlier\n            WHERE kept.phone_hash = NEW.phone_hash AND earlier.phone_hash = OLD.phone_hash\n                AND kept.workspace_id = earlier.workspace_id AND earlier.is_opt_out AND NOT kept.is_opt_out;\n            DELETE FROM distribution_blockedphone earlier USING distribution_blockedphone kept\n            WHERE kept.phone_hash = NEW.phone_hash AND earlier.phone_hash = OLD.phone_hash\n                AND kept.workspace_id = earlier.workspace_id;\n            UPDATE distribution_blockedphone SET phone_hash = NEW.phone_hash WHERE phone_hash = OLD.phone_hash;\n            UPDATE distribution_call c SET phone_hash = NEW.phone_hash WHERE c.phone_hash = OLD.phone_hash\n                AND (c.ended_at IS NOT NULL OR NOT EXISTS (\n                    SELECT FROM distribution_call o WHERE o.phone_hash = NEW.phone_hash AND o.ended_at IS NULL\n                ));\n            RETURN NULL;\n        ",
                    hash="6b87225783c775be5a4fbc1c6ec548c8fe538132",
                    operation='UPDATE OF "phone_hash"',
                    pgid="pgtrigger_new_phone_hash_2c68c",
                    table="routing_lead",
                    when="AFTER",
                ),
            ),
        ),
    ]
