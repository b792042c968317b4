from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Every sale writes to this table: its writers must not wait for the index.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("distribution", "0021_verify_watermark"),
        ("routing", "0029_leads_tried_again"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("state", "returned")), fields=["buyer", "id"], name="assignment_returned"
            ),
        ),
    ]
