"""Help texts and labels in plain words. Changes no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0007_waking"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="first_lead_id",
            field=models.BigIntegerField(
                help_text="For a duplicate: the same person's first lead.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="next_attempt_at",
            field=models.DateTimeField(help_text="When the lead is next due, if it is.", null=True),
        ),
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
                    ("expired", "its time to live ran out"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="route",
            field=models.JSONField(
                db_default=[],
                default=list,
                help_text="How it was routed: [from workspace, rule, to workspace] for each step.",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="rule_id",
            field=models.BigIntegerField(help_text="The routing rule that chose the destination.", null=True),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("ingest", "first try after intake"),
                    ("retry", "retry at its due time"),
                    ("manual", "re-run by an operator"),
                    ("woken", "a change that may let it sell"),
                    ("claim", "claim of an offer"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="workspace_id",
            field=models.BigIntegerField(help_text="Blank if the entry belongs to no workspace.", null=True),
        ),
    ]
