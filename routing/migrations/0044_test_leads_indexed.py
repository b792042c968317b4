from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Writers wait neither for the index nor for the check of stored leads.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("routing", "0043_test_keys"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(condition=Q(("is_test", True)), fields=["id"], name="lead_test"),
        ),
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("is_test", False),
                    Q(("email_hash__isnull", True), ("phone_hash__isnull", True)),
                    _connector="OR",
                ),
                name="lead_test_has_no_identity",
            ),
        ),
        ValidateConstraint(model_name="lead", name="lead_test_has_no_identity"),
    ]
