from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Leads come in while the indexes are built. One that is left invalid by an interruption: drop it, migrate again."""

    atomic = False

    dependencies = [
        ("routing", "0010_dispatch_words"),
    ]

    operations = [
        migrations.AlterField(
            model_name="lead",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "waiting for its time"),
                    ("calling", "a verification call is out"),
                    ("gated", "waiting for verification"),
                    ("offered", "offered to buyers"),
                    ("distributed", "sold"),
                    ("returned", "returned by its buyers"),
                    ("duplicate", "came in before"),
                    ("failed", "needs a person"),
                    ("expired", "time to live is over"),
                    ("cancelled", "cancelled"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(
                    ("email_hash__isnull", False),
                    ("phone_hash__isnull", False),
                    ("status__in", ("duplicate", "returned")),
                ),
                fields=["email_hash", "phone_hash"],
                name="lead_email_to_phone",
            ),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(
                    ("email_hash__isnull", False),
                    ("phone_hash__isnull", False),
                    ("status__in", ("duplicate", "returned")),
                ),
                fields=["phone_hash", "email_hash"],
                name="lead_phone_to_email",
            ),
        ),
    ]
