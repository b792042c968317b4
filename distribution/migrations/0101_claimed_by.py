"""Who claimed an offer. Instant on a table of any size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0100_surplus_unpaid")]

    operations = [
        migrations.AddField(
            model_name="offerbuyer",
            name="claimed_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The key or the person that claimed it, as in the audit log.",
                max_length=150,
            ),
        ),
    ]
