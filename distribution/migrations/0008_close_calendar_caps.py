from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    """The checks are added without a scan of the sales, and validated while sales go on."""

    atomic = False

    dependencies = [("distribution", "0007_count_by_date")]

    operations = [
        *(
            operation
            for name, condition in (
                ("assignment_counted_on_a_date", models.Q(("counted_on__isnull", False))),
                (
                    "assignment_sold_is_counted",
                    models.Q(("is_counted", True), ("state", "returned"), _connector="OR"),
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
        migrations.RemoveField(model_name="enrollment", name="day_starts_at"),
        migrations.RemoveField(model_name="enrollment", name="week_starts_at"),
        migrations.RemoveField(model_name="enrollment", name="month_starts_at"),
    ]
