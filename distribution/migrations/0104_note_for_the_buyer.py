"""What the buyer reads of a movement that a person booked. Instant on a table of any size.

Earlier entries have NULL: they are not changed, and the buyer reads their reason as before.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0103_cards_to_detach")]

    operations = [
        migrations.AddField(
            model_name="ledgerentry",
            name="buyer_note",
            field=models.CharField(blank=True, max_length=200, null=True, verbose_name="shown to the buyer"),
        ),
        # A default of AddField would be written to the earlier entries.
        migrations.AlterField(
            model_name="ledgerentry",
            name="buyer_note",
            field=models.CharField(
                blank=True, default="", max_length=200, null=True, verbose_name="shown to the buyer"
            ),
        ),
    ]
