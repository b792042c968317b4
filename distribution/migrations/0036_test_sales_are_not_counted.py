from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    """The checks are added without a scan of the sales, and validated while sales go on."""

    atomic = False
    lint_accepted = {"ban-drop-constraint": "the check that replaces it is as strict for sales of real leads"}

    dependencies = [("distribution", "0035_test_leads_of_enrollments")]

    operations = [
        *(
            operation
            for name, condition in (
                (
                    "assignment_real_sale_is_counted",
                    models.Q(("is_counted", True), ("state", "returned"), ("is_test", True), _connector="OR"),
                ),
                (
                    "assignment_test_is_not_counted",
                    models.Q(("is_test", False), ("is_counted", False), _connector="OR"),
                ),
            )
            for operation in (
                AddConstraintNotValid(
                    model_name="assignment",
                    constraint=models.CheckConstraint(condition=condition, name=name),
                ),
                ValidateConstraint(model_name="assignment", name=name),
            )
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(condition=models.Q(("is_test", True)), fields=["id"], name="assignment_test"),
        ),
        migrations.RemoveConstraint(model_name="assignment", name="assignment_sold_is_counted"),
    ]
