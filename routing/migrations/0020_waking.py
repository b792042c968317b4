import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0019_unsold_leads"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.active)",
                    func="PERFORM routing_wake('rule_changed', NEW.workspace_id, NULL, NULL, ARRAY[''], ARRAY[NULL::bigint], string_to_array('no_campaign, no_enrolled_buyers, no_eligible_buyers, no_eligible_buyers_after_tier_filters, all_buyers_capped, all_buyers_outside_hours, insufficient_credits, outside_campaign_hours', ', ')); RETURN NULL;",
                    hash="de42e75c5444fddc93b91be6ad2986159c619038",
                    operation="INSERT",
                    pgid="pgtrigger_wake_on_insert_a9205",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="routingrule",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.conditions, NEW.destination_id, NEW.priority, NEW.active, NEW.workspace_id) IS DISTINCT FROM ROW(OLD.conditions, OLD.destination_id, OLD.priority, OLD.active, OLD.workspace_id))",
                    func="PERFORM routing_wake('rule_changed', NEW.workspace_id, NULL, NULL, ARRAY[''], ARRAY[NULL::bigint], string_to_array('no_campaign, no_enrolled_buyers, no_eligible_buyers, no_eligible_buyers_after_tier_filters, all_buyers_capped, all_buyers_outside_hours, insufficient_credits, outside_campaign_hours', ', ')); RETURN NULL;",
                    hash="9d840ea440c04e468635f53476babba9df6b77d7",
                    operation='UPDATE OF "conditions", "destination_id", "priority", "active", "workspace_id"',
                    pgid="pgtrigger_wake_on_update_99fd5",
                    table="routing_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="workspace",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_hours",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.hours, NEW.timezone) IS DISTINCT FROM ROW(OLD.hours, OLD.timezone))",
                    func="PERFORM routing_wake('workspace_hours_changed', NEW.id, NULL, NULL, ARRAY[''], ARRAY[NULL::bigint], ARRAY['outside_workspace_hours']); RETURN NULL;",
                    hash="d4f991f8b4df0544541f4bcf191cfaa3c5a052db",
                    operation='UPDATE OF "hours", "timezone"',
                    pgid="pgtrigger_wake_on_hours_1cb7d",
                    table="routing_workspace",
                    when="AFTER",
                ),
            ),
        ),
    ]
