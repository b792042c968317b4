"""Help texts and labels in plain words. Changes no table."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import distribution.configuration.checks
import distribution.models.buyerkey
import routing.validators
import routing.values.opening_hours


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0022_returned_assignments"),
        ("routing", "0031_plain_words"),
    ]

    operations = [
        migrations.AlterField(
            model_name="buyer",
            name="answers",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Answers to the questions of its campaigns, by question key, e.g. {"types": ["residential"]}. A buyer that has not answered a required question gets no leads from that campaign.',
                validators=[distribution.configuration.checks.check_answers],
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="name",
            field=models.CharField(
                help_text="Unique in its workspace. Next: top up its wallet and enroll it in a campaign.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="paused_at",
            field=models.DateTimeField(
                blank=True, help_text="While set, this buyer gets no leads. Clear it to resume.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="service_area",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='E.g. {"states": ["GA"], "radius": [{"zip": "30312", "miles": 25}], "exclude": {"zips": ["30301"]}}. Keys: everywhere, countries, states, counties ("GA:Fulton County"), zips, zip_prefixes, radius, exclude. Outside the US: "CA-ON", "DE-30312". Empty: covers nothing.',
                validators=[distribution.configuration.checks.check_service_area],
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="The time zone of its hours, caps and budgets: an IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[routing.values.opening_hours.check_timezone],
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="workspace",
            field=models.ForeignKey(
                help_text="The workspace this buyer belongs to. It can be enrolled in this workspace's campaigns.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="buyers",
                to="routing.workspace",
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
                        ("assignments:read", "assignments:read: the leads it bought, with contact details"),
                        ("missed:read", "missed:read: the leads it missed, and why"),
                    ],
                    max_length=20,
                ),
                default=distribution.models.buyerkey.default_scopes,
                help_text="What this key may do.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="active",
            field=models.BooleanField(
                default=True,
                help_text="If unchecked, this campaign takes no leads. Uncheck it instead of deleting the campaign.",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="max_buyers",
            field=models.PositiveIntegerField(
                default=1,
                help_text="1: exclusive. More: shared by up to this many buyers.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="mode",
            field=models.CharField(
                choices=[
                    ("round_robin", "round robin: the buyer that has waited longest"),
                    ("weighted", "weighted: in proportion to the weights, spread evenly"),
                    ("priority", "priority: highest first"),
                    ("price", "price: highest price first"),
                ],
                default="round_robin",
                help_text="Which buyer in a tier is offered a lead first. Weight, priority and bid are set on each enrollment.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="name",
            field=models.CharField(
                help_text="Unique in its workspace. Next: add a tier and enroll buyers in it.", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="price_cents",
            field=models.PositiveBigIntegerField(
                help_text="Price of a lead, unless a tier, price rule or bid sets another.",
                validators=[django.core.validators.MaxValueValidator(10000000)],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="priority",
            field=models.IntegerField(
                default=0, help_text="If several campaigns match equally well, the highest priority wins."
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="questions",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='Questions for buyers. Each answer is compared with the lead, e.g. [{"key": "types", "field": "attributes.property_type", "op": "in", "required": true}]. Next: enter each buyer\'s answers. Empty: no questions.',
                validators=[distribution.configuration.checks.check_questions],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="returns_restore_caps",
            field=models.BooleanField(
                default=True,
                help_text="Returned leads no longer count toward the buyer's caps and budgets. The buyer gets its turn back.",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="schedule",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Hours during which leads are sold: {"mon": [["09:00", "17:00"]], …}. Empty: always.',
                validators=[distribution.configuration.checks.check_hours],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="source",
            field=models.ForeignKey(
                blank=True,
                help_text="Blank: any source. A campaign that names the source is preferred.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaigns",
                to="routing.source",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="The time zone of the schedule below: an IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[routing.values.opening_hours.check_timezone],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="vertical",
            field=models.CharField(
                blank=True,
                help_text="E.g. roofing, spelled as in the leads. Blank: any vertical. A campaign that names the vertical is preferred.",
                max_length=50,
                validators=[routing.validators.check_vertical],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="workspace",
            field=models.ForeignKey(
                help_text="The workspace whose leads this campaign sells. Buyers in this workspace can be enrolled.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaigns",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="active",
            field=models.BooleanField(
                default=True, help_text="If unchecked, this buyer gets no leads from this campaign."
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_day_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Most it spends per day. Blank: limited only by its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_hour_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Most it spends per hour. Blank: limited only by its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_month_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Most it spends per calendar month. Blank: limited only by its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_week_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Most it spends per week. Blank: limited only by its wallet.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="buyer",
            field=models.ForeignKey(
                help_text="A buyer in the campaign's workspace. A buyer can be enrolled once in each campaign.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="enrollments",
                to="distribution.buyer",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="campaign",
            field=models.ForeignKey(
                help_text="The campaign that sends leads to this buyer. Add the campaign and a tier first.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="enrollments",
                to="distribution.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_day",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads per day, in the buyer's time zone. Blank: no cap.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_hour",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads per hour. Blank: no cap. 0: no leads.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_month",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads per calendar month. Blank: no cap.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_week",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads per week, starting Monday. Blank: no cap.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="priority",
            field=models.IntegerField(
                default=0,
                help_text="In campaigns with the mode `priority`, the highest number is offered the lead first.",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="tier",
            field=models.ForeignKey(
                help_text="A tier of the campaign above. Buyers in the tier with the lowest position are offered a lead first.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="enrollments",
                to="distribution.tier",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="weight",
            field=models.PositiveIntegerField(
                default=1,
                help_text="Its share in campaigns with the mode `weighted`. Weight 2 gets twice as many leads as weight 1.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="campaign",
            field=models.ForeignKey(
                help_text="The campaign this tier belongs to. Next: enroll buyers in this tier, under Enrollments.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tiers",
                to="distribution.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="name",
            field=models.CharField(
                blank=True, help_text="E.g. Gold. Blank: the tier is named by its position.", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="position",
            field=models.PositiveIntegerField(
                default=1,
                help_text="The tier with position 1 is offered a lead first. Each position can be used once in a campaign.",
            ),
        ),
        migrations.AlterField(
            model_name="wallet",
            name="credit_limit_cents",
            field=models.BigIntegerField(
                default=0,
                help_text="How far below $0 the balance may go. To move money, use Top up or Adjust above.",
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
            ),
        ),
        migrations.AlterConstraint(
            model_name="enrollment",
            name="enrollment_live_campaign_buyer_unique",
            constraint=models.UniqueConstraint(
                condition=models.Q(("archived_at__isnull", True)),
                fields=("campaign", "buyer"),
                name="enrollment_live_campaign_buyer_unique",
                violation_error_message="This buyer is already enrolled in this campaign.",
            ),
        ),
    ]
