"""A change that makes many verifications due tells the dialers once."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0119_campaigns_wake_verifications")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="verification",
            name="notify_on_due",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="verification",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_due",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'waiting' AND (NEW.due_at < OLD.due_at OR OLD.due_at IS NULL) AND pg_trigger_depth() = 0)",
                    func="NOTIFY leadswitch_calls; RETURN NULL;",
                    hash="ab350d63f562863ac2a7443fac35ac1bcd1dc199",
                    operation='UPDATE OF "due_at", "state"',
                    pgid="pgtrigger_notify_on_due_de823",
                    table="distribution_verification",
                    when="AFTER",
                ),
            ),
        ),
    ]
