"""What reads whole tables: without locks that writers would wait for, and so outside a transaction."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0051_pings_of_leads")]

    operations = [
        ValidateConstraint(model_name="source", name="source_after_promise_known"),
        ValidateConstraint(model_name="source", name="source_ping_seconds_range"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY lead_ping_used_once"
                    " ON routing_lead (ping_id) WHERE ping_id IS NOT NULL",
                    "DROP INDEX CONCURRENTLY IF EXISTS lead_ping_used_once",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="lead",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("ping__isnull", False)),
                        fields=("ping",),
                        name="lead_ping_used_once",
                    ),
                ),
            ],
        ),
    ]
