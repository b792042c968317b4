"""Keys of buyers: several scopes, and ids that are not made of the hash.

Keys that exist keep their one scope `read`: it means all that a buyer could read until now.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

import distribution.models.buyerkey
import routing.models.apikey
from routing.migrations import _key_ids


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0016_source_key_scopes"),
        ("distribution", "0011_definitions"),
    ]

    operations = [
        migrations.RunSQL(
            _key_ids.forward(app="distribution", model="buyerkey"),
            _key_ids.backward(app="distribution", model="buyerkey"),
        ),
        migrations.AlterField(
            model_name="buyerkey",
            name="id",
            field=models.CharField(
                default=routing.models.apikey.new_key_id,
                editable=False,
                max_length=150,
                primary_key=True,
                serialize=False,
            ),
        ),
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
                        ("assignments:read", "assignments:read: the leads it bought, with the persons"),
                        ("missed:read", "missed:read: the leads it missed, and why"),
                    ],
                    max_length=20,
                ),
                default=distribution.models.buyerkey.default_scopes,
                help_text="What this key may do.",
                size=None,
            ),
        ),
        migrations.AddConstraint(
            model_name="buyerkey",
            constraint=models.CheckConstraint(
                condition=models.Q(("id__contains", "$"), _negated=True), name="buyerkey_id_is_no_hash"
            ),
        ),
    ]
