"""Refuses to give a lead another ping. Replaces a trigger, which changes no row."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("routing", "0054_offered_leads_indexed")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="lead",
            name="owner_is_fixed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="lead",
            trigger=pgtrigger.compiler.Trigger(
                name="owner_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.source_id, NEW.source_workspace_id, NEW.ping_id) IS DISTINCT FROM ROW(OLD.source_id, OLD.source_workspace_id, OLD.ping_id))",
                    func="\n            RAISE EXCEPTION 'The source and source workspace and ping of lead % cannot be changed. Cancel it and have the other source send it.', OLD.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_is_fixed', TABLE = TG_TABLE_NAME;\n        ",
                    hash="c200e04bba48c9f2582bc2082e17649214cfd9ba",
                    operation='UPDATE OF "source_id", "source_workspace_id", "ping_id"',
                    pgid="pgtrigger_owner_is_fixed_64bd9",
                    table="routing_lead",
                    when="BEFORE",
                ),
            ),
        ),
    ]
