"""What the dispatch is called in the admin. Touches no table."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0009_dispatch"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="dispatchcontrol",
            options={"verbose_name": "dispatch", "verbose_name_plural": "dispatch"},
        ),
    ]
