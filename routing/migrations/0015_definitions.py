from django.db import migrations, models

import routing.validators


class Migration(migrations.Migration):
    """The form of a vertical. Changes no column."""

    dependencies = [
        ("routing", "0014_rehash_identities"),
    ]

    operations = [
        migrations.AlterField(
            model_name="source",
            name="default_vertical",
            field=models.CharField(
                blank=True,
                help_text="Used for leads of this source that name no vertical. Blank: leads without one are refused.",
                max_length=50,
                validators=[routing.validators.check_vertical],
            ),
        ),
    ]
