"""The list of bids. It has no table of its own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("distribution", "0093_owners_of_surplus_payments")]

    operations = [
        migrations.CreateModel(
            name="Bid",
            fields=[],
            options={
                "verbose_name": "bid",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("distribution.offerbuyer",),
        ),
    ]
