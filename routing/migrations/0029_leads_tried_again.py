from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Every sale and retry writes to this table: its writers must not wait for the index.

    When it is interrupted an index may stay behind as invalid: the next run builds it again.
    """

    atomic = False

    dependencies = [
        ("routing", "0028_rare_leads"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(
                    ("attempts__gt", 0),
                    (
                        "skip_reason__in",
                        (
                            "duplicate_lead",
                            "insufficient_credits",
                            "lead_expired",
                            "no_campaign",
                            "no_eligible_buyers",
                            "no_eligible_buyers_after_tier_filters",
                            "no_enrolled_buyers",
                            "worker_lost",
                        ),
                    ),
                    ("status", "pending"),
                ),
                fields=["skip_reason", "next_attempt_at", "id"],
                name="lead_tried_again",
            ),
        ),
    ]
