"""Help texts and labels of API keys in plain words. Changes no column."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0026_pause_by_button"),
    ]

    operations = [
        migrations.AlterField(
            model_name="buyerkey",
            name="expiry_date",
            field=models.DateTimeField(
                blank=True,
                help_text="The key is rejected from this time on. Leave blank if it never expires.",
                null=True,
                verbose_name="Expires",
            ),
        ),
        migrations.AlterField(
            model_name="buyerkey",
            name="name",
            field=models.CharField(
                default=None, help_text="Where the key is used. At most 50 characters.", max_length=50
            ),
        ),
        migrations.AlterField(
            model_name="buyerkey",
            name="revoked",
            field=models.BooleanField(
                blank=True, default=False, help_text="A revoked key is rejected. You cannot undo this."
            ),
        ),
    ]
