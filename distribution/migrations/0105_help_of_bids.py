"""What a bid means in an auction. It changes nothing in the database."""

from django.core.validators import MaxValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0104_note_for_the_buyer")]

    operations = [
        migrations.AlterField(
            model_name="enrollment",
            name="bid_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="What this buyer pays for a lead. Blank: the tier's or campaign's price. In an auction: what it "
                "bids for a lead that no standing bid fits. Blank: no bid.",
                null=True,
                validators=[MaxValueValidator(10_000_000)],
            ),
        ),
    ]
