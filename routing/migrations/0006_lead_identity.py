from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Who came in before is found by identity, status and time; the indexes by identity alone are no longer needed.

    Writers do not wait. When it is interrupted, or does not get a lock in time, an index stays behind as invalid: drop
    it, migrate again.
    """

    atomic = False

    dependencies = [
        ("routing", "0005_rules"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("email_hash__isnull", False)),
                fields=["email_hash", "status", "received_at"],
                name="lead_email_identity",
            ),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("phone_hash__isnull", False)),
                fields=["phone_hash", "status", "received_at"],
                name="lead_phone_identity",
            ),
        ),
        RemoveIndexConcurrently(model_name="lead", name="lead_email_hash"),
        RemoveIndexConcurrently(model_name="lead", name="lead_phone_hash"),
    ]
