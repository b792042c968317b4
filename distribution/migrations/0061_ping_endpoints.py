"""Endpoints that are asked for bids. Instant on a table of any size."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0060_fill_other_side"),
        ("routing", "0048_last_use_of_source_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="PingEndpoint",
            fields=[],
            options={
                "verbose_name": "ping endpoint",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("distribution.endpoint",),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="endpoint",
            name="purpose_is_fixed",
        ),
        migrations.AddField(
            model_name="endpoint",
            name="bid_id_path",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Where the answer gives its id of the bid, e.g. result.ping_id. The lead is sent with it: {assignment.bid_id} in the body of the buyer's endpoint for leads.",
                max_length=200,
                verbose_name="bid ID path",
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="price_unit",
            field=models.CharField(
                choices=[("dollars", "dollars, like 45.50"), ("cents", "cents, like 4550")],
                db_default="dollars",
                default="dollars",
                help_text="What a bid is written in. Fractions of a cent are cut off.",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("delivery", "delivery: it gets leads or events"),
                    ("ping", "ping: it is asked for bids, and never gets contact data"),
                ],
                db_default="delivery",
                default="delivery",
                editable=False,
                help_text="What is sent to it. It never changes.",
                max_length=10,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="endpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="purpose_is_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (((NEW.events = '{}') <> (OLD.events = '{}')) OR NEW.purpose <> OLD.purpose)",
                    func="\n                RAISE EXCEPTION 'Endpoint % gets either leads, events or pings. Add another endpoint.', OLD.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'purpose_is_fixed', TABLE = TG_TABLE_NAME;\n            ",
                    hash="1eacd130aacdef352a3563d7b464f86c6294315e",
                    operation='UPDATE OF "events", "purpose"',
                    pgid="pgtrigger_purpose_is_fixed_329d1",
                    table="distribution_endpoint",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("bid_id_path", ""), ("price_unit", "dollars"), ("purpose", "delivery")),
                    models.Q(
                        ("events", []),
                        ("method", "http"),
                        ("purpose", "ping"),
                        models.Q(("price_path", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="endpoint_ping_reads_a_price",
            ),
        ),
        AddConstraintNotValid(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("price_unit__in", ["dollars", "cents"])), name="endpoint_price_unit_known"
            ),
        ),
    ]
