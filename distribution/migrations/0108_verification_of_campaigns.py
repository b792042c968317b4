"""What a campaign asks of a lead before it is sold."""

import django.contrib.postgres.operations
import django.core.validators
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0107_words_of_a_canceled_offer"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaign",
            name="own_version",
        ),
        migrations.AddField(
            model_name="campaign",
            name="consent_kind",
            field=models.CharField(
                choices=[
                    ("given_at", "the time at which the person agreed"),
                    ("token", "a certificate of the consent (its token)"),
                ],
                db_default="token",
                default="token",
                help_text="The proof with which a lead needs no call. Used only if verification is required without proof.",
                max_length=8,
                verbose_name="proof of consent",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="unverified_end",
            field=models.CharField(
                choices=[
                    ("fail", "fail: the lead is not sold, and a person must act"),
                    ("sell", "sell: the lead is sold for a share of the price"),
                    ("person", "person: the lead waits until an operator verifies it by hand"),
                ],
                db_default="fail",
                default="fail",
                help_text="What happens to a lead whose person could not be reached, or not be called. A person who declines always ends it as failed.",
                max_length=6,
                verbose_name="if not verified",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="unverified_percent",
            field=models.PositiveIntegerField(
                db_default=100,
                default=100,
                help_text="Percent of the price at which such a lead is sold. Bids in auctions are not changed.",
                validators=[django.core.validators.MaxValueValidator(100)],
                verbose_name="price if not verified",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="verification",
            field=models.CharField(
                choices=[
                    ("none", "none: leads are sold without it"),
                    (
                        "required",
                        "required: the person is called, and confirms the request, before the lead is sold",
                    ),
                    (
                        "unless_consent",
                        "required without proof: the person is called unless the lead has proof of consent of the kind below",
                    ),
                ],
                db_default="none",
                default="none",
                help_text="Whether the person must be verified by a call before the lead is sold or offered. It needs a channel in the workspace.",
                max_length=14,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaign",
            trigger=pgtrigger.compiler.Trigger(
                name="own_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF (ROW(OLD.active, OLD.mode, OLD.vertical, OLD.source_id, OLD.priority, OLD.price_cents, OLD.price_rules, OLD.max_buyers, OLD.sells_on, OLD.post_deadline_seconds, OLD.offer_seconds, OLD.offer_fields, OLD.offer_fallback, OLD.fallback_mode, OLD.bid_deadline_ms, OLD.reserve_cents, OLD.margin_bps, OLD.penalizes_returns, OLD.verification, OLD.consent_kind, OLD.unverified_end, OLD.unverified_percent, OLD.timezone, OLD.schedule, OLD.questions) IS DISTINCT FROM ROW(NEW.active, NEW.mode, NEW.vertical, NEW.source_id, NEW.priority, NEW.price_cents, NEW.price_rules, NEW.max_buyers, NEW.sells_on, NEW.post_deadline_seconds, NEW.offer_seconds, NEW.offer_fields, NEW.offer_fallback, NEW.fallback_mode, NEW.bid_deadline_ms, NEW.reserve_cents, NEW.margin_bps, NEW.penalizes_returns, NEW.verification, NEW.consent_kind, NEW.unverified_end, NEW.unverified_percent, NEW.timezone, NEW.schedule, NEW.questions)) THEN\n                NEW.config_version := OLD.config_version + 1;\n            ELSIF NEW.config_version < OLD.config_version THEN\n                NEW.config_version := OLD.config_version;\n            END IF;\n            RETURN NEW;\n        ",
                    hash="d2bb4eaef42a1fbff56aa6a0ece00a6f31244e43",
                    operation="UPDATE",
                    pgid="pgtrigger_own_version_c25a4",
                    table="distribution_campaign",
                    when="BEFORE",
                ),
            ),
        ),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("unverified_percent__lte", 100)),
                name="campaign_unverified_percent_in_range",
            ),
        ),
    ]
