"""Offers and the buyers that are shown them. Reversed, all of them are dropped."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid6
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0079_margins_of_enrollments"),
        ("routing", "0053_offered_leads"),
    ]

    operations = [
        migrations.CreateModel(
            name="Offer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid6.uuid7, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("ping_post", "ping post"), ("auction", "auction")], max_length=10
                    ),
                ),
                ("attempt_id", models.UUIDField(help_text="The attempt that opened it.")),
                ("opened_at", models.DateTimeField()),
                ("closes_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("closed", "closed")],
                        db_default="open",
                        default="open",
                        max_length=6,
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("claimed", "claimed by as many buyers as may have the lead"),
                            ("window_over", "the time was over"),
                            ("canceled", "the lead ended in another way"),
                            ("bids_in", "all bids were in"),
                        ],
                        db_default="",
                        default="",
                        max_length=12,
                        verbose_name="why it closed",
                    ),
                ),
                ("max_buyers", models.PositiveIntegerField(verbose_name="buyers at most")),
                ("claims", models.PositiveIntegerField(db_default=0, default=0)),
                ("partial", models.JSONField(db_default={}, default=dict, verbose_name="shown fields")),
                (
                    "reserve_cents",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="reserve"),
                ),
                (
                    "passed_campaign_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=[],
                        default=list,
                        editable=False,
                        size=None,
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="distribution.campaign",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="routing.lead"
                    ),
                ),
            ],
            options={
                "db_table": "distribution_offer",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")), fields=("lead",), name="offer_one_open_of_lead"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("end_reason", ""), ("state", "open")),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("state", "closed"),
                                models.Q(("end_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="offer_closed_at_iff_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("claims__lte", models.F("max_buyers"))),
                        name="offer_claims_within_buyers",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "closed"), ("claims__lt", models.F("max_buyers")), _connector="OR"
                        ),
                        name="offer_open_has_room",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["closes_at"], name="offer_open"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferBuyer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tier_position", models.PositiveIntegerField(verbose_name="tier")),
                ("price_cents", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="price")),
                ("visible_at", models.DateTimeField(verbose_name="shown from")),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("lost_at", models.DateTimeField(blank=True, null=True, verbose_name="refused at")),
                (
                    "late_ms",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="How much later than the last claim, or the end, its claim came.",
                        null=True,
                    ),
                ),
                (
                    "lost_reason",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=50, verbose_name="refused because"
                    ),
                ),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("bid_cents", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="bid")),
                ("bid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "bid_outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("bid", "bid"),
                            ("no_bid", "no bid"),
                            ("refused", "refused"),
                            ("late", "late"),
                            ("timeout", "no answer in time"),
                            ("error", "error"),
                            ("standing", "standing bid"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                    ),
                ),
                ("bid_reason", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("latency_ms", models.PositiveIntegerField(blank=True, null=True)),
                ("rank", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "rank_value_cents",
                    models.BigIntegerField(blank=True, null=True, verbose_name="rank value"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "assignment",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offer",
                        to="distribution.assignment",
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="distribution.buyer",
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="offers",
                        to="distribution.enrollment",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="buyers",
                        to="distribution.offer",
                    ),
                ),
            ],
            options={
                "db_table": "distribution_offerbuyer",
                "constraints": [
                    models.UniqueConstraint(fields=("offer", "buyer"), name="offerbuyer_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("claimed_at__isnull", True), ("assignment__isnull", False), _connector="OR"
                        ),
                        name="offerbuyer_claim_has_sale",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lost_at__isnull", True), ("lost_reason", "")),
                            models.Q(
                                ("lost_at__isnull", False), models.Q(("lost_reason", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="offerbuyer_lost_has_reason",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["buyer", "id"], name="offerbuyer_feed"),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offer",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_open",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="PERFORM pg_notify('offers', NEW.id::text); RETURN NULL;",
                    hash="c678989f050ff46e611d5d09d74cb6c0442f2c93",
                    operation="INSERT",
                    pgid="pgtrigger_notify_on_open_de8de",
                    table="distribution_offer",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offer",
            trigger=pgtrigger.compiler.Trigger(
                name="notify_on_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state <> OLD.state OR NEW.claims <> OLD.claims)",
                    func="PERFORM pg_notify('offers', NEW.id::text); RETURN NULL;",
                    hash="d8d2acfca47125d0647f1ca28bc05e36ba7e5a77",
                    operation='UPDATE OF "state", "claims"',
                    pgid="pgtrigger_notify_on_change_197bb",
                    table="distribution_offer",
                    when="AFTER",
                ),
            ),
        ),
    ]
