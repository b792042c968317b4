"""When the carrier is asked what a call cost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0120_one_notice_of_many_verifications")]

    operations = [
        migrations.AddField(
            model_name="call",
            name="cost_due_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the carrier is asked what it cost: it knows that later than the end.",
                null=True,
            ),
        ),
    ]
