"""Pings that the clean-up keeps, because a lead refers to them. No table is rewritten, and none is read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0057_ping_has_price_or_reason_checked")]

    operations = [
        migrations.AddField(
            model_name="ping",
            name="is_kept",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
