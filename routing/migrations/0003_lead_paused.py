"""A lead that an operator holds back: it stays pending and keeps its due time, and no worker takes it."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("routing", "0002_membership")]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="paused_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Set: it keeps its due time, and nobody tries it until it is resumed.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=Q(("paused_at__isnull", True), ("status", "pending"), _connector="OR"),
                name="lead_paused_only_while_pending",
            ),
        ),
        migrations.RemoveIndex(model_name="lead", name="lead_due"),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=Q(("paused_at__isnull", True), ("status", "pending")),
                fields=["next_attempt_at", "id"],
                name="lead_due",
            ),
        ),
    ]
