"""Counts the test leads of a source in a day. Constant defaults: the table is not rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0041_test_leads"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="test_leads",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="source",
            name="test_leads_on",
            field=models.DateField(editable=False, null=True),
        ),
    ]
