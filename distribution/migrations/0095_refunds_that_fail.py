"""What came back of refunds that failed later. Instant on a table of any size."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0094_bids")]

    operations = [
        migrations.AddField(
            model_name="cardpayment",
            name="has_failed_refund",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="cardpayment",
            name="refund_check_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="cardpayment",
            name="refund_failed_cents",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        AddConstraintNotValid(
            model_name="cardpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("refund_failed_cents__gte", 0)), name="payment_refund_failed_not_negative"
            ),
        ),
    ]
