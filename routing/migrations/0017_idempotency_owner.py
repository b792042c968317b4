"""Idempotency keys are apart by source and no longer by workspace. Intake writes to this table: nothing waits long.

What was answered within the last day keeps its protection: its owner is read from the lead that it names. A batch of
which no lead was taken in has none, and may be sent again without harm.
"""

from django.db import migrations, models

FIND_OWNERS = """
UPDATE routing_idempotencyrecord r SET owner_id = s.public_id
FROM routing_lead l JOIN routing_source s ON s.id = l.source_id
WHERE r.id > %(after)s AND r.id <= %(after)s + %(batch)s AND r.owner_id IS NULL
    AND l.public_id = coalesce(
        r.response ->> 'id', jsonb_path_query_first(r.response, '$.results[*].id') #>> '{}'
    )::uuid
"""
BATCH = 5_000
# Backward: what two sources of a workspace sent under one key cannot both stay. The newer one does.
FORGET_DOUBLES = """
DELETE FROM routing_idempotencyrecord older USING routing_idempotencyrecord newer
WHERE older.workspace_id = newer.workspace_id AND older.route = newer.route AND older.key = newer.key
    AND older.id < newer.id
"""


def find_owners(apps, schema_editor):  # noqa: ARG001 - the signature is Django's
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM routing_idempotencyrecord")
        first, last = cursor.fetchone()
        for after in range((first or 1) - 1, last or 0, BATCH):
            cursor.execute(FIND_OWNERS, {"after": after, "batch": BATCH})


class Migration(migrations.Migration):
    """When it is interrupted, the index may stay behind as invalid: drop it, migrate again."""

    atomic = False

    dependencies = [
        ("routing", "0016_source_key_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="idempotencyrecord",
            name="owner_id",
            field=models.UUIDField(
                help_text="Public id of the source or buyer whose API key the request carried.", null=True
            ),
        ),
        migrations.RunPython(find_owners, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY idempotency_owner_route_key"
                    " ON routing_idempotencyrecord (owner_id, route, key)",
                    "DROP INDEX CONCURRENTLY IF EXISTS idempotency_owner_route_key",
                ),
                migrations.RunSQL(
                    "ALTER TABLE routing_idempotencyrecord ADD CONSTRAINT idempotency_owner_route_key"
                    " UNIQUE USING INDEX idempotency_owner_route_key",
                    "ALTER TABLE routing_idempotencyrecord DROP CONSTRAINT idempotency_owner_route_key",
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="idempotencyrecord",
                    constraint=models.UniqueConstraint(
                        fields=["owner_id", "route", "key"], name="idempotency_owner_route_key"
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(model_name="idempotencyrecord", name="idempotency_workspace_route_key"),
        migrations.RunSQL(migrations.RunSQL.noop, FORGET_DOUBLES),
        migrations.AlterField(
            model_name="idempotencyrecord",
            name="fingerprint",
            field=models.CharField(
                help_text="SHA-256 of the request's body; the order of JSON keys does not matter.",
                max_length=64,
            ),
        ),
    ]
