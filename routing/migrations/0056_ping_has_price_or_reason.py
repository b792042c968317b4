"""A ping with a campaign has a price or a reason: NULL passed the check before. Instant on a table of any size."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0055_ping_of_a_lead_stays")]
    lint_accepted = {"ban-drop-constraint": "the same transaction adds it again, and it is as strict"}

    operations = [
        migrations.RemoveConstraint(model_name="ping", name="ping_price_or_reason"),
        AddConstraintNotValid(
            model_name="ping",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("campaign_id__isnull", False),
                        ("price_cents__gte", 0),
                        ("price_cents__isnull", False),
                        ("reason", ""),
                    ),
                    models.Q(("price_cents__isnull", True), models.Q(("reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="ping_price_or_reason",
            ),
        ),
    ]
