from importlib import import_module

from django.db import migrations, models

before = import_module("routing.migrations.0018_wakeups")

# When a change may have a lead tried: at once while one of its six wake-ups is left. One comes back every ten minutes.
WAKE_AT = """
CREATE FUNCTION routing_wake_at(full_at timestamptz) RETURNS timestamptz
LANGUAGE sql AS $wake$
    SELECT GREATEST(clock_timestamp(), full_at - interval '50 minutes')
$wake$
"""
# As in 0018, but for two kinds of leads. One whose wake-ups are spent waits for the next one, and changes until then add
# nothing. One that another change of the same transaction woke was tried with both.
MATCHES = """
    l.workspace_id = w.workspace_id AND l.status IN ('pending', 'failed') AND l.skip_reason <> ''
    AND l.skip_reason = ANY(w.reasons) AND l.due_reason <> 'given_up' AND l.paused_at IS NULL
    AND l.received_at >= w.created_at - make_interval(hours => w.hours)
    AND l.received_at <= COALESCE(w.swept_at, clock_timestamp())
    AND (l.finished_at IS NULL OR l.finished_at <= COALESCE(w.swept_at, clock_timestamp()))
    AND l.expires_at > clock_timestamp() AND COALESCE(l.woken_by, 0) < w.id
    AND NOT EXISTS (SELECT FROM routing_wakeup k WHERE k.id = l.woken_by AND k.transaction = w.transaction)
    AND (l.status = 'failed' OR l.next_attempt_at > routing_wake_at(l.wakes_full_at))
    AND EXISTS (
        SELECT FROM unnest(w.verticals, w.sources) AS scope(vertical, source_id)
        WHERE scope.vertical IN ('', l.vertical) AND (scope.source_id IS NULL OR scope.source_id = l.source_id)
    )
"""
WAKE_BATCH = f"""
CREATE OR REPLACE FUNCTION routing_wake_batch(w routing_wakeup, most int, placed int) RETURNS bigint[]
LANGUAGE plpgsql AS $wake$
DECLARE ids bigint[];
BEGIN
    WITH found AS (
        SELECT l.id, l.received_at, routing_wake_at(l.wakes_full_at) AS due_at FROM routing_lead l
        WHERE {MATCHES}
        ORDER BY l.received_at, l.id LIMIT most
        FOR NO KEY UPDATE SKIP LOCKED
    ), numbered AS (
        SELECT f.id, f.due_at, (placed + row_number() OVER (ORDER BY f.received_at, f.id) - 1) / 1000.0 AS delay
        FROM found f
    ), woken AS (
        UPDATE routing_lead l
        SET status = 'pending', due_reason = w.cause, woken_by = w.id, finished_at = NULL,
            wakes_full_at = GREATEST(l.wakes_full_at, n.due_at) + interval '10 minutes',
            next_attempt_at = LEAST(l.expires_at, l.next_attempt_at,
                n.due_at + make_interval(secs => n.delay + random() * LEAST(0.1, n.delay))),
            conflicts = CASE l.status WHEN 'failed' THEN 0 ELSE l.conflicts END,
            errors = CASE l.status WHEN 'failed' THEN 0 ELSE l.errors END,
            lost_leases = CASE l.status WHEN 'failed' THEN 0 ELSE l.lost_leases END
        FROM numbered n WHERE l.id = n.id
        RETURNING l.id
    )
    SELECT COALESCE(array_agg(woken.id), '{{}}') INTO ids FROM woken;
    RETURN ids;
END
$wake$
"""  # noqa: S608 - only a constant is put in
COUNT = f"""
CREATE OR REPLACE FUNCTION routing_count_waiting(w routing_wakeup, most int) RETURNS int
LANGUAGE sql AS $wake$
    SELECT count(*)::int FROM (SELECT FROM routing_lead l WHERE {MATCHES} LIMIT most) waiting
$wake$
"""  # noqa: S608 - only a constant is put in
# As in 0018, and it keeps which transactions had ended.
WAKE = """
CREATE OR REPLACE FUNCTION routing_wake(
    for_cause text, in_workspace bigint, for_campaign bigint, for_buyer bigint,
    for_verticals text[], for_sources bigint[], for_reasons text[]
) RETURNS void
LANGUAGE plpgsql AS $wake$
DECLARE
    w routing_wakeup;
    young int := COALESCE((SELECT wake_hours FROM routing_dispatchcontrol WHERE id = 1), 24);
    number bigint := pg_current_xact_id()::text::bigint;
BEGIN
    IF young = 0 OR COALESCE(cardinality(for_verticals), 0) = 0 OR EXISTS (
        SELECT FROM routing_wakeup k
        WHERE k.transaction = number AND k.created_at >= statement_timestamp() AND k.workspace_id = in_workspace
            AND k.reasons @> for_reasons AND k.verticals = for_verticals AND k.sources = for_sources
    ) THEN
        RETURN;
    END IF;
    INSERT INTO routing_wakeup (
        cause, workspace_id, campaign_id, buyer_id, verticals, sources, reasons, hours, transaction, snapshot,
        created_at
    ) VALUES (
        for_cause, in_workspace, for_campaign, for_buyer, for_verticals, for_sources, for_reasons, young, number,
        pg_current_snapshot()::text, clock_timestamp()
    ) RETURNING * INTO w;
    w.matched := routing_count_waiting(w, 10001);
    IF w.matched = 0 THEN
        RETURN;
    END IF;
    w.lead_ids := routing_wake_batch(w, 200, 0);
    UPDATE routing_wakeup SET matched = w.matched, lead_ids = w.lead_ids, woken = cardinality(w.lead_ids)
    WHERE id = w.id;
END
$wake$
"""


def replaced(function):
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    """Columns without a rewrite of the table, and the functions that triggers call."""

    dependencies = [
        ("routing", "0021_canary"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="wakes_full_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When its six wake-ups are back: each is, ten minutes after the other.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="wakeup",
            name="snapshot",
            field=models.TextField(
                db_default="",
                default="",
                help_text="Which transactions had ended when it was written, as pg_snapshot.",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, "DROP FUNCTION routing_wake_at(timestamptz)"),
        migrations.RunSQL(
            ";".join([WAKE_AT, COUNT, WAKE_BATCH, WAKE]),
            ";".join(replaced(each) for each in (before.COUNT, before.WAKE_BATCH, before.WAKE)),
        ),
    ]
