"""The plural of call policies, which pages show. The table does not change."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0117_resumed_workspaces_wake_dialers")]

    operations = [
        migrations.AlterModelOptions(name="callpolicy", options={"verbose_name_plural": "call policies"}),
    ]
