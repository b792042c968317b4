"""Adds scopes with which a buyer changes its own account. Only the choices change: no statement runs."""

import django.contrib.postgres.fields
from django.db import migrations, models

import distribution.models.buyerkey


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0068_statements"),
    ]

    operations = [
        migrations.AlterField(
            model_name="buyerkey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        (
                            "account:read",
                            "account:read: its name, this key, its campaigns with bids and caps",
                        ),
                        ("wallet:read", "wallet:read: wallet and ledger"),
                        ("assignments:read", "assignments:read: the leads it bought, with contact details"),
                        ("returns:read", "returns:read: its return requests and the rules for them"),
                        ("returns:write", "returns:write: ask for returns and withdraw them"),
                        ("subscriptions:read", "subscriptions:read: its subscriptions to events"),
                        ("subscriptions:write", "subscriptions:write: subscribe to events and end it"),
                        ("missed:read", "missed:read: the leads it missed, and why"),
                        (
                            "account:write",
                            "account:write: change its profile, area, hours, answers, filters, caps, bids, and pause",
                        ),
                        ("endpoints:read", "endpoints:read: where its leads are sent, without secrets"),
                        (
                            "endpoints:write",
                            "endpoints:write: add, change, test and delete endpoints, make new secrets",
                        ),
                        ("offers:read", "offers:read: the leads it is offered, without contact details"),
                        ("offers:write", "offers:write: claim offered leads, which charges its wallet"),
                        ("money:write", "money:write: top up its wallet by card"),
                    ],
                    max_length=20,
                ),
                default=distribution.models.buyerkey.default_scopes,
                help_text="What this key may do.",
                size=None,
            ),
        ),
    ]
