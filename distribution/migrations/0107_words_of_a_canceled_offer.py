"""What the end of an offer without a decision is called. It changes nothing in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0106_offers_by_their_claims")]

    operations = [
        migrations.AlterField(
            model_name="offer",
            name="end_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("claimed", "claimed by as many buyers as may have the lead"),
                    ("window_over", "the time was over"),
                    ("canceled", "it ended without a decision"),
                    ("bids_in", "all bids were in"),
                ],
                db_default="",
                default="",
                max_length=12,
                verbose_name="why it closed",
            ),
        ),
    ]
