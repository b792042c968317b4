"""Lets events be removed once they are older than every period in which an event happens once."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0054_returns_by_state")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="event", name="refuse_change"),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'distribution_event is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="7b41a61fc1be790f837e1162449533cf538fafd2",
                    operation="UPDATE",
                    pgid="pgtrigger_refuse_change_76b5b",
                    table="distribution_event",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_early_removal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.happened_at < clock_timestamp() - interval '35 days'))",
                    func="RAISE EXCEPTION 'distribution_event is append-only. % is not allowed.', TG_OP USING ERRCODE = 'restrict_violation';",
                    hash="8beefa92a3662d7847472ceb5e356054f63c4283",
                    operation="DELETE",
                    pgid="pgtrigger_refuse_early_removal_4f00a",
                    table="distribution_event",
                    when="BEFORE",
                ),
            ),
        ),
    ]
