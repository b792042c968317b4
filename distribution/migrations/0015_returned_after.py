from django.db import migrations, models


class Migration(migrations.Migration):
    """A column without a default: no rewrite."""

    dependencies = [("distribution", "0014_stored_definitions")]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="returned_after",
            field=models.BigIntegerField(editable=False, null=True),
        )
    ]
