"""Whether buyers that lost an auction are told what would have won. Instant on a table of any size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0083_standing_bids")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="shows_price_to_win",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="A buyer that lost an auction can read what it would have had to bid, never who won. Used only if the mode is auction.",
            ),
        ),
    ]
