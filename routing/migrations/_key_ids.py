"""Gives API keys ids of their own in place of "prefix.hash". For the migrations of both tables of keys."""

# What refers to a key by its old id: the audit, which nothing else may change, and the admin's own history. Entries
# of keys that are gone keep the prefix.
FORWARD = """
CREATE TEMPORARY TABLE new_key_ids ON COMMIT DROP AS
SELECT id::text AS old_id, gen_random_uuid()::text AS new_id FROM {table};

DO $$
BEGIN
    IF EXISTS (SELECT FROM tracing_auditentry WHERE model = '{app}.{model}') THEN
        ALTER TABLE tracing_auditentry DISABLE TRIGGER USER;
        UPDATE tracing_auditentry e
        SET object_id = coalesce(
                (SELECT new_id FROM new_key_ids WHERE old_id = e.object_id), split_part(e.object_id, '.', 1)
            ),
            before = e.before - 'id', after = e.after - 'id'
        WHERE e.model = '{app}.{model}';
        ALTER TABLE tracing_auditentry ENABLE TRIGGER USER;
    END IF;
END
$$;

UPDATE django_admin_log l
SET object_id = coalesce(
    (SELECT new_id FROM new_key_ids WHERE old_id = l.object_id), split_part(l.object_id, '.', 1)
)
WHERE l.content_type_id IN (
    SELECT id FROM django_content_type WHERE app_label = '{app}' AND model = '{model}'
);

UPDATE {table} k SET id = n.new_id FROM new_key_ids n WHERE n.old_id = k.id;
DROP TABLE new_key_ids;
"""
# The history keeps the new ids: a hash that left it does not come back.
BACKWARD = "UPDATE {table} SET id = prefix || '.' || hashed_key"


def forward(*, app: str, model: str) -> str:
    return FORWARD.format(table=f"{app}_{model}", app=app, model=model)


def backward(*, app: str, model: str) -> str:
    return BACKWARD.format(table=f"{app}_{model}")
