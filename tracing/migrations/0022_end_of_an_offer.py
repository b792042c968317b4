"""The end of an offer starts an attempt. Wider text is instant on a table of any size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0021_answers_of_buyers"),
    ]

    lint_accepted = {"changing-column-type": "a longer limit of a text rewrites nothing"}

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="result",
            field=models.CharField(
                choices=[
                    ("success", "sold to at least one buyer"),
                    ("unsold", "no buyer could take it; someone must act"),
                    ("deferred", "no buyer can take it now; due again at a known time"),
                    ("retry", "a lock was busy; due again shortly"),
                    ("failed", "LeadSwitch failed; someone must act"),
                    ("duplicate", "an earlier lead for the same person was received"),
                    ("gated", "waiting for verification"),
                    ("offered", "offered to buyers"),
                    ("expired", "expired"),
                    ("posting", "waiting for a buyer's system"),
                    ("rejected", "rejected by a buyer's system; others are asked"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("ingest", "first attempt after intake"),
                    ("retry", "retry at its due time"),
                    ("manual", "re-run by an operator"),
                    ("woken", "a change that may let it sell"),
                    ("claim", "claim of an offer"),
                    ("offer_closed", "end of an offer"),
                    ("delivery", "answer of a buyer's system"),
                ],
                max_length=20,
            ),
        ),
    ]
