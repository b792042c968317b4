"""Says that lowered bids wait for an approval. Changes only a help text: no statement runs for it."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0097_recharge_notices"),
    ]

    operations = [
        migrations.AlterField(
            model_name="approvalpolicy",
            name="fields",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("timezone", "time zone"),
                        ("contact", "contact"),
                        ("service_area", "service area"),
                        ("hours", "hours"),
                        ("answers", "answers"),
                        ("notice_below_cents", "notice below"),
                        ("bid_cents", "bid"),
                        ("lead_filter", "lead filter"),
                        ("caps", "lead caps"),
                        ("budgets_cents", "budgets"),
                    ],
                    max_length=20,
                ),
                blank=True,
                default=list,
                help_text="A change of one of these waits until an operator approves it. A new name always waits, and so does a bid that lowers what the buyer pays outside auctions. Pauses never wait.",
                size=None,
            ),
        ),
    ]
