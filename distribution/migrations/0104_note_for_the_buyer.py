"""What the buyer reads of a movement that a person booked. Instant on a table of any size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0103_cards_to_detach")]

    operations = [
        migrations.AddField(
            model_name="ledgerentry",
            name="buyer_note",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="shown to the buyer"
            ),
        ),
    ]
