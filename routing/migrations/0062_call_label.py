"""Changes the words of a status alone: no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0061_verified_leads_checked"),
    ]

    operations = [
        migrations.AlterField(
            model_name="lead",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "waiting until it is due"),
                    ("calling", "being called"),
                    ("gated", "waiting for verification"),
                    ("offered", "offered to buyers"),
                    ("posting", "waiting for a buyer's system"),
                    ("distributed", "sold"),
                    ("returned", "returned by its buyers"),
                    ("duplicate", "duplicate of an earlier lead"),
                    ("failed", "needs an operator to run it again"),
                    ("expired", "expired"),
                    ("cancelled", "canceled"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
    ]
