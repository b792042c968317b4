"""Since when an endpoint gets every sale: a column with the time of the migration, and its trigger. Reversed, both go."""

import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0043_deliverers"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="live_since",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="restart_live_since",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(NEW.active, NEW.disabled_at, NEW.campaign_id, NEW.test_url) IS DISTINCT FROM ROW(OLD.active, OLD.disabled_at, OLD.campaign_id, OLD.test_url))",
                    func="NEW.live_since = clock_timestamp(); RETURN NEW;",
                    hash="46dfb73b9792b5f5b3e17abb4e1b22fa732d0f44",
                    operation='UPDATE OF "active", "disabled_at", "campaign_id", "test_url"',
                    pgid="pgtrigger_restart_live_since_51f62",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
    ]
