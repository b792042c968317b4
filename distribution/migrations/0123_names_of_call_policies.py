"""The plural of call policies, which pages show. The table does not change."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0122_costs_of_calls_due")]

    operations = [
        migrations.AlterModelOptions(name="callpolicy", options={"verbose_name_plural": "call policies"}),
    ]
