"""The calling hours that the product ships. Rows that a person has changed stay."""

from django.db import migrations

from distribution.calls.hours.us_rules import list_us_rules


def fill(apps, schema_editor):
    rows = apps.get_model("distribution", "CallingHours").objects.using(schema_editor.connection.alias)
    for each in list_us_rules():
        rule = each.rule
        rows.get_or_create(
            country=rule.country,
            state=rule.state,
            defaults={
                "opens": rule.opens,
                "closes": rule.closes,
                "calls_on_sunday": rule.calls_on_sunday,
                "calls_on_holidays": rule.calls_on_holidays,
                "most_calls_per_day": rule.most_calls_per_day,
                "source": each.source,
                "checked_on": each.checked_on,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("distribution", "0112_calling_hours")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
