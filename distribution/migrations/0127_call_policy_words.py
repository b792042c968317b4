"""The help texts of a call policy. No column changes."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0126_lists_of_calls")]

    operations = [
        migrations.AlterField(
            model_name="callpolicy",
            name="max_calls",
            field=models.PositiveSmallIntegerField(
                db_default=4,
                default=4,
                help_text="How many calls there are in all, whatever they end with. A call that was not placed does not"
                " count.",
                validators=[MinValueValidator(1), MaxValueValidator(6)],
            ),
        ),
        migrations.AlterField(
            model_name="callpolicy",
            name="records_calls",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Many states require that the person agrees to a recording. The script must say that it is"
                " recorded.",
            ),
        ),
    ]
