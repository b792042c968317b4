"""Adds when a buyer key was last used."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0056_ended_messages_of_events")]

    operations = [
        migrations.AddField(
            model_name="buyerkey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used"),
        ),
    ]
