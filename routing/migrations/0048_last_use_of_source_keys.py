"""Adds when a source key was last used."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0047_payables_scope")]

    operations = [
        migrations.AddField(
            model_name="sourcekey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used"),
        ),
    ]
