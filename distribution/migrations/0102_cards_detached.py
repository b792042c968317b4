"""When a removed card was detached at the provider. Instant on a table of any size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0101_claimed_by")]

    operations = [
        migrations.AddField(
            model_name="card",
            name="detach_try_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="card",
            name="detached_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
