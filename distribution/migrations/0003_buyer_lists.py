from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.deletion import PROTECT


class Migration(migrations.Migration):
    """The new index takes over from that of the foreign key: a sale writes as many as before.

    When it is interrupted, or does not get its lock in time, the index stays behind as invalid: drop it, migrate again.
    """

    atomic = False

    dependencies = [
        ("distribution", "0002_buyer_keys"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(fields=["buyer", "id"], name="assignment_buyer"),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="buyer",
            field=models.ForeignKey(
                db_index=False, on_delete=PROTECT, related_name="assignments", to="distribution.buyer"
            ),
        ),
    ]
