"""A lead that is neither gated nor called has no open verification."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0110_calls"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeadWithVerifications",
            fields=[],
            options={
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("routing.lead",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leadwithverifications",
            trigger=pgtrigger.compiler.Trigger(
                name="end_of_verification",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.status IN ('gated', 'calling') AND NEW.status NOT IN ('gated', 'calling'))",
                    func="\n            UPDATE distribution_verification SET state = 'closed', ended_at = clock_timestamp(), due_at = NULL\n            WHERE lead_id = NEW.id AND ended_at IS NULL;\n            RETURN NULL;\n        ",
                    hash="5d6d31a7391ee956909ad82209146c78f20cd296",
                    operation='UPDATE OF "status"',
                    pgid="pgtrigger_end_of_verification_8ad3a",
                    table="routing_lead",
                    when="AFTER",
                ),
            ),
        ),
    ]
