"""A dialer says whether it has a public address: other processes may have another environment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0129_hashes_blocked_twice")]

    operations = [
        migrations.AddField(
            model_name="dialer",
            name="has_address",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
