"""Names the event of a paused recharge."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("distribution", "0088_cards")]

    operations = [
        migrations.AlterField(
            model_name="endpoint",
            name="events",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("lead.sold", "lead.sold: a lead was sold"),
                        ("lead.unsold", "lead.unsold: a lead ended without a sale"),
                        ("lead.returned", "lead.returned: a sold lead was returned"),
                        ("lead.status_changed", "lead.status_changed: a lead has another status"),
                        ("assignment.delivered", "assignment.delivered: a buyer's system accepted a lead"),
                        ("assignment.rejected", "assignment.rejected: a buyer's system rejected a lead"),
                        ("wallet.low", "wallet.low: a wallet fell below its limit for a notice"),
                        (
                            "wallet.recharge_failed",
                            "wallet.recharge_failed: the automatic recharge of a wallet was paused",
                        ),
                        (
                            "cap.reached",
                            "cap.reached: a buyer has all leads that its cap or budget allows in a period",
                        ),
                        (
                            "change.decided",
                            "change.decided: the agency approved or declined a buyer's change",
                        ),
                        ("campaign.unsold", "campaign.unsold: no buyer of a campaign could take a lead"),
                    ],
                    max_length=30,
                ),
                blank=True,
                db_default=[],
                default=list,
                help_text="Which events it gets. An endpoint for leads has none.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("lead.sold", "lead.sold: a lead was sold"),
                    ("lead.unsold", "lead.unsold: a lead ended without a sale"),
                    ("lead.returned", "lead.returned: a sold lead was returned"),
                    ("lead.status_changed", "lead.status_changed: a lead has another status"),
                    ("assignment.delivered", "assignment.delivered: a buyer's system accepted a lead"),
                    ("assignment.rejected", "assignment.rejected: a buyer's system rejected a lead"),
                    ("wallet.low", "wallet.low: a wallet fell below its limit for a notice"),
                    (
                        "wallet.recharge_failed",
                        "wallet.recharge_failed: the automatic recharge of a wallet was paused",
                    ),
                    (
                        "cap.reached",
                        "cap.reached: a buyer has all leads that its cap or budget allows in a period",
                    ),
                    ("change.decided", "change.decided: the agency approved or declined a buyer's change"),
                    ("campaign.unsold", "campaign.unsold: no buyer of a campaign could take a lead"),
                ],
                max_length=30,
            ),
        ),
    ]
