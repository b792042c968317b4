"""Keys of sources may read the statement of what the source is owed, and subscribe to events. Changes no table."""

import django.contrib.postgres.fields
from django.db import migrations, models

import routing.models.workspace


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0046_posting_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sourcekey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        (
                            "leads:write",
                            "leads:write: send leads, cancel them, and have waiting leads tried now",
                        ),
                        (
                            "leads:read",
                            "leads:read: look up its own leads and why they were or were not sold",
                        ),
                        ("payables:read", "payables:read: read the statement of what the source is owed"),
                        ("subscriptions:read", "subscriptions:read: its subscriptions to events"),
                        ("subscriptions:write", "subscriptions:write: subscribe to events and end it"),
                        (
                            "trace",
                            "trace: the full trace of its own leads, with buyer names, prices and balances",
                        ),
                    ],
                    max_length=20,
                ),
                default=routing.models.workspace.default_source_scopes,
                help_text="What this key may do. Grant trace only to people who are allowed to see the workspace's buyers.",
                size=None,
            ),
        ),
    ]
