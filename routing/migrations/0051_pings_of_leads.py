"""The ping of a lead. A new column without a value: nothing is read to check the key."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0050_pings_of_sources")]
    lint_accepted = {"adding-foreign-key-constraint": "a new column without a value is not scanned"}

    operations = [
        migrations.AddField(
            model_name="lead",
            name="ping",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                help_text="The ping whose price its source was promised.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="routing.ping",
            ),
        ),
    ]
