import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import distribution.configuration.checks


class Migration(migrations.Migration):
    """What the forms say beside their fields. No statement runs."""

    dependencies = [
        ("distribution", "0003_buyer_lists"),
        ("routing", "0004_help_texts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="buyer",
            name="answers",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Answers to the questions of its campaigns, by their key, e.g. {"types": ["residential"]}. Without the answer to a required question it gets no lead of that campaign.',
                validators=[distribution.configuration.checks.check_answers],
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="name",
            field=models.CharField(
                help_text="Unique in its workspace. Next: top its wallet up and enrol it in a campaign.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="paused_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Set: this buyer gets no leads. Clear it to let leads through again.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="In which its hours, caps and budgets are read, by its IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[distribution.configuration.checks.check_timezone],
            ),
        ),
        migrations.AlterField(
            model_name="buyer",
            name="workspace",
            field=models.ForeignKey(
                help_text="Whose campaigns it can be enrolled in.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="buyers",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="active",
            field=models.BooleanField(
                default=True, help_text="Off: it takes no lead. Untick it instead of deleting it."
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="mode",
            field=models.CharField(
                choices=[
                    ("round_robin", "round robin: whoever waited longest"),
                    ("weighted", "weighted: in proportion to the weights, evenly spread"),
                    ("priority", "priority: highest first"),
                    ("price", "price: highest price first"),
                ],
                default="round_robin",
                help_text="Who is asked first within a tier. Weight, priority and bid are set on each enrolment.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="name",
            field=models.CharField(
                help_text="Unique in its workspace. Next: add a tier to it, and enrol buyers in the tier.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="price_cents",
            field=models.PositiveBigIntegerField(
                help_text="What a lead costs, unless a tier, rule or bid says otherwise."
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="price_rules",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='Applied in order, each with one of set_cents, add_cents and percent, e.g. [{"when": {"field": "state", "op": "eq", "value": "GA"}, "percent": 120}]. Empty: one price for all.',
                validators=[distribution.configuration.checks.check_price_rules],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="questions",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='What buyers are asked; their answer is compared with the lead, e.g. [{"key": "types", "field": "attributes.property_type", "op": "in", "required": true}]. Next: put the answers on each buyer. Empty: nothing is asked.',
                validators=[distribution.configuration.checks.check_questions],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="In which the schedule below is read, by its IANA name, e.g. America/Chicago.",
                max_length=50,
                validators=[distribution.configuration.checks.check_timezone],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="vertical",
            field=models.CharField(
                blank=True,
                help_text="E.g. roofing, as leads name it. Blank: any vertical. A campaign that names it is preferred.",
                max_length=50,
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="workspace",
            field=models.ForeignKey(
                help_text="Whose leads it sells, and whose buyers can be enrolled.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaigns",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="active",
            field=models.BooleanField(
                default=True, help_text="Off: this buyer gets no lead of this campaign."
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_day_cents",
            field=models.PositiveBigIntegerField(
                blank=True, help_text="The most it spends a day. Blank: no limit but its wallet.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_hour_cents",
            field=models.PositiveBigIntegerField(
                blank=True, help_text="The most it spends an hour. Blank: no limit but its wallet.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_month_cents",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The most it spends a calendar month. Blank: no limit but its wallet.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="budget_week_cents",
            field=models.PositiveBigIntegerField(
                blank=True, help_text="The most it spends a week. Blank: no limit but its wallet.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="buyer",
            field=models.ForeignKey(
                help_text="A buyer of the campaign's workspace, once in a campaign.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="enrollments",
                to="distribution.buyer",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="campaign",
            field=models.ForeignKey(
                help_text="Whose leads it gets. Add the campaign and a tier of it first.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="enrollments",
                to="distribution.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_day",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads a day, in the buyer's timezone. Blank: no cap.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_hour",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads an hour. Blank: no cap. 0: none.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_month",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads a calendar month. Blank: no cap.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="cap_week",
            field=models.PositiveIntegerField(
                blank=True, help_text="Leads a week, from Monday. Blank: no cap.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="lead_filter",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Which leads this buyer wants, e.g. {"field": "state", "op": "in", "value": ["GA", "AL"]}. Empty: every lead.',
                validators=[distribution.configuration.checks.check_condition],
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="tier",
            field=models.ForeignKey(
                help_text="A tier of the campaign above: the lower its position, the earlier its buyers are asked.",
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
                help_text="Its share in campaigns of mode `weighted`: 2 gets twice as many leads as 1.",
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
                help_text="Whose leads it sells. Next: enrol buyers in this tier, under Enrollments.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tiers",
                to="distribution.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="content_filter",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='Which leads this tier takes, e.g. {"field": "attributes.roof_age", "op": "gte", "value": 10}. Empty: every lead.',
                validators=[distribution.configuration.checks.check_condition],
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="name",
            field=models.CharField(
                blank=True, help_text="E.g. Gold. Blank: it is called by its position.", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="tier",
            name="position",
            field=models.PositiveIntegerField(
                default=1, help_text="1 is asked first. Each position once in a campaign."
            ),
        ),
        migrations.AlterField(
            model_name="wallet",
            name="credit_limit_cents",
            field=models.BigIntegerField(
                default=0,
                help_text="How far below zero the balance may go. To move money, use Top up or Adjust above.",
            ),
        ),
    ]
