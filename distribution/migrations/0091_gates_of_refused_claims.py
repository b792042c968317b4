"""The gates that refused a claim. Adds a column with a constant default, which rewrites no row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0090_owners_of_card_refunds"),
    ]

    operations = [
        migrations.AddField(
            model_name="offerbuyer",
            name="lost_gates",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="As a skipped buyer's.",
                verbose_name="gates that refused it",
            ),
        ),
    ]
