import django.contrib.postgres.fields
from django.db import migrations, models

# Leads of `w` that wait or failed for one of its reasons, young enough, held back by nobody, and not woken by it yet. What
# came in or ended after the first run that saw the change was decided with it.
# A lead that somebody works on at this moment is passed over: nothing here waits, so nothing can deadlock.
MATCHES = """
    l.workspace_id = w.workspace_id AND l.status IN ('pending', 'failed') AND l.skip_reason <> ''
    AND l.skip_reason = ANY(w.reasons) AND l.due_reason <> 'given_up' AND l.paused_at IS NULL
    AND l.received_at >= w.created_at - make_interval(hours => w.hours)
    AND l.received_at <= COALESCE(w.swept_at, clock_timestamp())
    AND (l.finished_at IS NULL OR l.finished_at <= COALESCE(w.swept_at, clock_timestamp()))
    AND l.expires_at > clock_timestamp() AND COALESCE(l.woken_by, 0) < w.id
    AND (l.status = 'failed' OR l.next_attempt_at > clock_timestamp())
    AND EXISTS (
        SELECT FROM unnest(w.verticals, w.sources) AS scope(vertical, source_id)
        WHERE scope.vertical IN ('', l.vertical) AND (scope.source_id IS NULL OR scope.source_id = l.source_id)
    )
"""
# The n-th lead comes up n/1000 seconds later, plus up to a tenth of a second (docs/decisions/0021): positive only.
WAKE_BATCH = f"""
CREATE FUNCTION routing_wake_batch(w routing_wakeup, most int, placed int) RETURNS bigint[]
LANGUAGE plpgsql AS $wake$
DECLARE ids bigint[];
BEGIN
    WITH found AS (
        SELECT l.id, l.received_at FROM routing_lead l
        WHERE {MATCHES}
        ORDER BY l.received_at, l.id LIMIT most
        FOR NO KEY UPDATE SKIP LOCKED
    ), numbered AS (
        SELECT f.id, (placed + row_number() OVER (ORDER BY f.received_at, f.id) - 1) / 1000.0 AS delay FROM found f
    ), woken AS (
        UPDATE routing_lead l
        SET status = 'pending', due_reason = w.cause, woken_by = w.id, finished_at = NULL,
            next_attempt_at = LEAST(l.expires_at, l.next_attempt_at,
                clock_timestamp() + make_interval(secs => n.delay + random() * LEAST(0.1, n.delay))),
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
CREATE FUNCTION routing_count_waiting(w routing_wakeup, most int) RETURNS int
LANGUAGE sql AS $wake$
    SELECT count(*)::int FROM (SELECT FROM routing_lead l WHERE {MATCHES} LIMIT most) waiting
$wake$
"""  # noqa: S608 - only a constant is put in
# Called by triggers. A second row that the same statement changes in the same way adds nothing. At most 200 leads are made due
# here, so that a change stays short; `reconcile wakeups` goes on.
WAKE = """
CREATE FUNCTION routing_wake(
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
        WHERE k.transaction = number AND k.created_at >= statement_timestamp() AND k.workspace_id = in_workspace AND k.reasons @> for_reasons
            AND k.verticals = for_verticals AND k.sources = for_sources
    ) THEN
        RETURN;
    END IF;
    INSERT INTO routing_wakeup (
        cause, workspace_id, campaign_id, buyer_id, verticals, sources, reasons, hours, transaction, created_at
    ) VALUES (
        for_cause, in_workspace, for_campaign, for_buyer, for_verticals, for_sources, for_reasons, young, number,
        clock_timestamp()
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
DROP = """
DROP FUNCTION routing_wake(text, bigint, bigint, bigint, text[], bigint[], text[]);
DROP FUNCTION routing_wake_batch(routing_wakeup, int, int);
DROP FUNCTION routing_count_waiting(routing_wakeup, int)
"""


class Migration(migrations.Migration):
    """Columns without a rewrite of the table, and the functions that triggers call. 0019 adds the index."""

    dependencies = [
        ("routing", "0017_idempotency_owner"),
    ]

    operations = [
        migrations.CreateModel(
            name="Wakeup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cause", models.CharField(max_length=30)),
                ("workspace_id", models.BigIntegerField()),
                ("campaign_id", models.BigIntegerField(null=True)),
                ("buyer_id", models.BigIntegerField(null=True)),
                (
                    "verticals",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                (
                    "sources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(null=True), size=None
                    ),
                ),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="Why leads were not sold that this change may help.",
                        size=None,
                    ),
                ),
                (
                    "hours",
                    models.PositiveSmallIntegerField(
                        help_text="Leads that came in earlier than this are left alone."
                    ),
                ),
                (
                    "transaction",
                    models.BigIntegerField(
                        help_text="The database's number of the transaction that changed it."
                    ),
                ),
                (
                    "matched",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="Leads found at the change, up to 10,001."
                    ),
                ),
                ("woken", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "lead_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), db_default=[], default=list, size=None
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("swept_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "routing_wakeup",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="dispatchcontrol",
            name="wake_hours",
            field=models.PositiveSmallIntegerField(db_default=24, default=24, editable=False),
        ),
        migrations.AddField(
            model_name="lead",
            name="woken_by",
            field=models.BigIntegerField(
                editable=False, help_text="The latest change that made it due. No foreign key.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="wakeup",
            index=models.Index(
                condition=models.Q(("done_at__isnull", True)), fields=["id"], name="wakeup_open"
            ),
        ),
        migrations.AddIndex(
            model_name="wakeup",
            index=models.Index(fields=["transaction"], name="wakeup_transaction"),
        ),
        migrations.AddIndex(
            model_name="wakeup",
            index=models.Index(
                condition=models.Q(("done_at__isnull", False)), fields=["done_at"], name="wakeup_done"
            ),
        ),
        migrations.RunSQL("".join([COUNT, ";", WAKE_BATCH, ";", WAKE]), DROP),
    ]
