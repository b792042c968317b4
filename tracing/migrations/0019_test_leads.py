"""A column with a constant default: the table is not rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0018_results_by_workspace"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="is_test",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Of a test lead: no figure counts it.",
                verbose_name="test",
            ),
        ),
    ]
