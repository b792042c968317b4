"""Adds when a workspace key was last used."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0057_last_use_of_buyer_keys")]

    operations = [
        migrations.AddField(
            model_name="workspacekey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used"),
        ),
    ]
