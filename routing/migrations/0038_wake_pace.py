"""How many leads a second a change wakes is a setting, which the database reads from the one row of the dispatch.

The column has a default, so it rewrites no table, and processes of the version before need not know it. The function
keeps its signature, so both versions call it.
"""

from importlib import import_module

from django.db import migrations, models

before = import_module("routing.migrations.0022_wakes_are_bounded").WAKE_BATCH

# As in 0022, at the pace of the setting. The default is for an installation in which no dispatcher has run yet.
WAKE_BATCH = before.replace(
    "DECLARE ids bigint[];",
    """DECLARE
    ids bigint[];
    pace numeric := COALESCE((SELECT wake_leads_per_second FROM routing_dispatchcontrol WHERE id = 1), 1000);""",
).replace("/ 1000.0 AS delay", "/ pace AS delay")


class Migration(migrations.Migration):
    lint_accepted = {"constraint-missing-not-valid": "the table has one row"}
    dependencies = [
        ("routing", "0037_plain_words_of_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="dispatchcontrol",
            name="wake_leads_per_second",
            field=models.PositiveIntegerField(db_default=1000, default=1000, editable=False),
        ),
        migrations.AddConstraint(
            model_name="dispatchcontrol",
            constraint=models.CheckConstraint(
                condition=models.Q(wake_leads_per_second__gte=1), name="dispatchcontrol_wakes_leads"
            ),
        ),
        migrations.RunSQL(WAKE_BATCH, before),
    ]
