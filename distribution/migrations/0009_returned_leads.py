from django.db import migrations, models

# Returns are few: the leads of their assignments alone are locked.
RETURN_LEADS = """
UPDATE routing_lead l SET status = 'returned', finished_at = back.at
FROM (
    SELECT lead_id, max(returned_at) AS at FROM distribution_assignment
    GROUP BY lead_id HAVING bool_and(state = 'returned')
) back
WHERE l.id = back.lead_id AND l.status = 'distributed'
"""


class Migration(migrations.Migration):
    """A sold lead that all its buyers gave back is no longer sold."""

    dependencies = [
        ("distribution", "0008_close_calendar_caps"),
        ("routing", "0011_returned_leads"),
    ]

    operations = [
        migrations.AlterField(
            model_name="campaign",
            name="returns_restore_caps",
            field=models.BooleanField(
                default=True,
                help_text="A returned lead no longer counts against the buyer's caps and budgets, and it gets its "
                "turn back.",
            ),
        ),
        migrations.RunSQL(
            RETURN_LEADS, "UPDATE routing_lead SET status = 'distributed' WHERE status = 'returned'"
        ),
    ]
