"""The index of surplus payments that are not paid back: few rows, and no lock that payments would wait for.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0099_offers_by_their_end")]

    operations = [
        AddIndexConcurrently(
            model_name="cardpayment",
            index=models.Index(
                condition=models.Q(("refunded_cents__lt", models.F("amount_cents")), ("state", "surplus")),
                fields=["created_at"],
                name="payment_surplus_unpaid",
            ),
        ),
    ]
