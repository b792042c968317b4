"""The buyer's id of its bid, and the share of its leads that it returned. Instant on a table of any size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0084_price_to_win")]

    operations = [
        migrations.AddField(
            model_name="offerbuyer",
            name="bid_id",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="buyer's id of the bid"
            ),
        ),
        migrations.AddField(
            model_name="offerbuyer",
            name="returned_bps",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="The share of its leads that the buyer had returned in 30 days, in hundredths of a percent.",
                verbose_name="returned leads",
            ),
        ),
    ]
