"""Keys whose leads are all test leads. A constant default: the table is not rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0042_test_leads_of_sources"),
    ]

    operations = [
        migrations.AddField(
            model_name="sourcekey",
            name="is_test",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Every lead that it sends is a test lead: it is decided like any lead and charges nothing.",
                verbose_name="test key",
            ),
        ),
    ]
