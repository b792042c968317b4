"""Labels of the admin in plain words. Changes no column."""

from django.db import migrations, models

import routing.values.opening_hours


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0039_rejected_leads"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="wakeup",
            options={"default_permissions": (), "verbose_name": "wake-up", "verbose_name_plural": "wake-ups"},
        ),
        migrations.AlterField(
            model_name="workspace",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="The workspace's time zone: an IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[routing.values.opening_hours.check_timezone],
                verbose_name="time zone",
            ),
        ),
    ]
