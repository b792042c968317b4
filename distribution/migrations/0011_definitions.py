import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import distribution.configuration.checks
import routing.validators


class Migration(migrations.Migration):
    """Largest amounts, checked from now on; 0014 looks at the rows that are stored. No table is scanned here."""

    dependencies = [
        ("distribution", "0010_large_sums"),
        ("routing", "0015_definitions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="buyer",
            name="service_area",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='E.g. {"states": ["GA"], "radius": [{"zip": "30312", "miles": 25}], "exclude": {"zips": ["30301"]}}. Keys: everywhere, countries, states, counties ("GA:Fulton County"), zips, zip_prefixes, radius, exclude. Abroad: "CA-ON", "DE-30312". Empty: covers nothing.',
                validators=[distribution.configuration.checks.check_service_area],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="max_buyers",
            field=models.PositiveIntegerField(
                default=1,
                help_text="1: exclusive. More: shared by up to so many.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="price_cents",
            field=models.PositiveBigIntegerField(
                help_text="What a lead costs, unless a tier, rule or bid says otherwise.",
                validators=[django.core.validators.MaxValueValidator(10000000)],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="vertical",
            field=models.CharField(
                blank=True,
                help_text="E.g. roofing, as leads name it. Blank: any vertical. A campaign that names it is preferred.",
                max_length=50,
                validators=[routing.validators.check_vertical],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="bid_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="What this buyer pays for a lead. Blank: the tier's or campaign's price.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(10000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_day_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The most it spends a day. Blank: no limit but its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_hour_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The most it spends an hour. Blank: no limit but its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_month_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The most it spends a calendar month. Blank: no limit but its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_week_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The most it spends a week. Blank: no limit but its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="price_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Blank: the campaign's price.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(10000000)],
            ),
        ),
        migrations.AlterField(
            model_name="wallet",
            name="credit_limit_cents",
            field=models.BigIntegerField(
                default=0,
                help_text="How far below zero the balance may go. To move money, use Top up or Adjust above.",
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
            ),
        ),
        AddConstraintNotValid(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_buyers__lte", 1000), ("price_cents__lte", 10000000)),
                name="campaign_amounts_in_range",
            ),
        ),
        AddConstraintNotValid(
            model_name="enrollment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bid_cents__lte", 10000000),
                    ("budget_hour_cents__lte", 1000000000000),
                    ("budget_day_cents__lte", 1000000000000),
                    ("budget_week_cents__lte", 1000000000000),
                    ("budget_month_cents__lte", 1000000000000),
                ),
                name="enrollment_amounts_in_range",
            ),
        ),
        AddConstraintNotValid(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(("price_cents__lte", 10000000)), name="tier_amounts_in_range"
            ),
        ),
        AddConstraintNotValid(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("credit_limit_cents__lte", 1000000000)), name="wallet_limit_in_range"
            ),
        ),
    ]
