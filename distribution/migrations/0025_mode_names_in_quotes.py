"""Plain labels, help texts and status names. Changes no table."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0024_plain_trigger_messages"),
    ]

    operations = [
        migrations.AlterField(
            model_name="enrollment",
            name="priority",
            field=models.IntegerField(
                default=0,
                help_text='In campaigns with the mode "priority", the highest number is offered the lead first.',
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="weight",
            field=models.PositiveIntegerField(
                default=1,
                help_text='Its share in campaigns with the mode "weighted". Weight 2 gets twice as many leads as weight 1.',
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
    ]
