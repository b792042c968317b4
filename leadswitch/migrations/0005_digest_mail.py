"""Adds the table of mailed digests. Reversed, it is dropped; a digest of that day may then be sent twice."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leadswitch", "0004_drop_library_keys")]

    operations = [
        migrations.CreateModel(
            name="DigestMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField()),
                ("recipient", models.CharField(max_length=320)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("cause", models.CharField(blank=True, default="", max_length=100)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("date", "recipient"), name="digest_once_a_day")
                ],
            },
        ),
    ]
