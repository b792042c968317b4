"""Shorter labels and help texts. Changes no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0010_plain_trigger_messages"),
    ]

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
                    ("duplicate", "the same person was already received"),
                    ("gated", "waiting for verification"),
                    ("offered", "a ping-post window is open"),
                    ("expired", "expired"),
                ],
                max_length=10,
            ),
        ),
    ]
