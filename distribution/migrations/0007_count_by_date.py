from django.db import migrations

ROWS_A_BATCH = 10_000

# Whether an earlier return was given back is not recorded: the campaign's setting as it is now decides.
FILL_SALES = """
UPDATE distribution_assignment a
SET counted_on = (a.created_at AT TIME ZONE b.timezone)::date,
    is_counted = NOT (a.state = 'returned' AND c.returns_restore_caps)
FROM distribution_buyer b, distribution_campaign c
WHERE a.id >= %s AND a.id < %s AND a.counted_on IS NULL AND b.id = a.buyer_id AND c.id = a.campaign_id
"""
FILL_COUNTERS = """
WITH latest AS (
    SELECT e.id, max(a.counted_on) AS day_on
    FROM distribution_enrollment e
    JOIN distribution_assignment a ON a.buyer_id = e.buyer_id AND a.campaign_id = e.campaign_id
    GROUP BY e.id
), counted AS (
    SELECT l.id, l.day_on,
        count(*) FILTER (WHERE a.counted_on = l.day_on) AS day_leads,
        sum(a.price_cents) FILTER (WHERE a.counted_on = l.day_on) AS day_cents,
        count(*) FILTER (WHERE a.counted_on >= date_trunc('week', l.day_on)::date) AS week_leads,
        sum(a.price_cents) FILTER (WHERE a.counted_on >= date_trunc('week', l.day_on)::date) AS week_cents,
        count(*) FILTER (WHERE a.counted_on >= date_trunc('month', l.day_on)::date) AS month_leads,
        sum(a.price_cents) FILTER (WHERE a.counted_on >= date_trunc('month', l.day_on)::date) AS month_cents
    FROM latest l
    JOIN distribution_enrollment e ON e.id = l.id
    LEFT JOIN distribution_assignment a ON a.buyer_id = e.buyer_id AND a.campaign_id = e.campaign_id
        AND a.is_counted AND a.counted_on >= l.day_on - 31
    GROUP BY l.id, l.day_on
)
UPDATE distribution_enrollment e
SET counted_on = n.day_on,
    day_leads = n.day_leads, day_spent_cents = COALESCE(n.day_cents, 0),
    week_leads = n.week_leads, week_spent_cents = COALESCE(n.week_cents, 0),
    month_leads = n.month_leads, month_spent_cents = COALESCE(n.month_cents, 0)
FROM counted n WHERE n.id = e.id
"""
FILL_INSTANTS = """
UPDATE distribution_enrollment e
SET day_starts_at = e.counted_on::timestamp AT TIME ZONE b.timezone,
    week_starts_at = date_trunc('week', e.counted_on::timestamp) AT TIME ZONE b.timezone,
    month_starts_at = date_trunc('month', e.counted_on::timestamp) AT TIME ZONE b.timezone
FROM distribution_buyer b WHERE b.id = e.buyer_id AND e.counted_on IS NOT NULL
"""


def fill(_apps, schema_editor):
    """In batches, each of its own transaction; a second run goes on where the first was cut off."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(min(id), 0), COALESCE(max(id), -1) FROM distribution_assignment")
        first, last = cursor.fetchone()
        for start in range(first, last + 1, ROWS_A_BATCH):
            cursor.execute(FILL_SALES, [start, start + ROWS_A_BATCH])
        cursor.execute(FILL_COUNTERS)


def empty(_apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FILL_INSTANTS)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("distribution", "0006_calendar_caps")]

    operations = [migrations.RunPython(fill, empty)]
