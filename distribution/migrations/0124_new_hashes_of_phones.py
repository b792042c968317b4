"""A phone whose hash is computed anew stays blocked."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0123_names_of_call_policies"),
        ("routing", "0061_verified_leads_checked"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="leadwithverifications",
            trigger=pgtrigger.compiler.Trigger(
                name="new_phone_hash",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.phone = OLD.phone AND NEW.phone_hash <> OLD.phone_hash)",
                    func="\n            UPDATE distribution_blockedphone SET phone_hash = NEW.phone_hash WHERE phone_hash = OLD.phone_hash;\n            UPDATE distribution_call SET phone_hash = NEW.phone_hash WHERE phone_hash = OLD.phone_hash;\n            RETURN NULL;\n        ",
                    hash="870fd848df1f77a4f1ac48a9d9c4e92eec6365fe",
                    operation='UPDATE OF "phone_hash"',
                    pgid="pgtrigger_new_phone_hash_2c68c",
                    table="routing_lead",
                    when="AFTER",
                ),
            ),
        ),
    ]
