"""What reads all card payments: without locks that payments would wait for, and so outside a transaction.

When it is interrupted the index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0095_refunds_that_fail")]

    operations = [
        AddIndexConcurrently(
            model_name="cardpayment",
            index=models.Index(
                condition=models.Q(("refund_check_at__isnull", False)),
                fields=["refund_check_at"],
                name="payment_refund_check",
            ),
        ),
        ValidateConstraint(model_name="cardpayment", name="payment_refund_failed_not_negative"),
    ]
