"""A lead that is no longer offered has no open offer."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0080_offers"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeadWithOffers",
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
            model_name="leadwithoffers",
            trigger=pgtrigger.compiler.Trigger(
                name="end_of_offer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.status = 'offered' AND NEW.status <> 'offered')",
                    func="\n            UPDATE distribution_offer SET state = 'closed', closed_at = clock_timestamp(), end_reason = 'canceled'\n            WHERE lead_id = NEW.id AND state = 'open';\n            RETURN NULL;\n        ",
                    hash="ab62891f2dfd399d85edf162fc2f7cc8fb49aefa",
                    operation='UPDATE OF "status"',
                    pgid="pgtrigger_end_of_offer_29070",
                    table="routing_lead",
                    when="AFTER",
                ),
            ),
        ),
    ]
