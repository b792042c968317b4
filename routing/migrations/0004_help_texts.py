import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the forms say beside their fields. No statement runs."""

    dependencies = [
        ("routing", "0003_lead_paused"),
    ]

    operations = [
        migrations.AlterField(
            model_name="source",
            name="active",
            field=models.BooleanField(
                default=True, help_text="Off: its keys are refused. Untick it instead of deleting it."
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="default_vertical",
            field=models.CharField(
                blank=True,
                help_text="Used for leads of this source that name no vertical. Blank: leads without one are refused.",
                max_length=50,
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="name",
            field=models.SlugField(
                help_text="Conditions may name it as `source`. Next: make it a key under Source keys, to send leads with."
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="workspace",
            field=models.ForeignKey(
                help_text="Whose leads they are: its campaigns take them.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sources",
                to="routing.workspace",
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="kind",
            field=models.CharField(
                choices=[
                    ("agency", "agency: owns campaigns and buyers"),
                    ("partner", "partner: sends or receives leads"),
                ],
                default="agency",
                help_text="An agency sells leads in campaigns of its own; a partner only sends or takes them.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="name",
            field=models.CharField(
                help_text="As people know it. Next: add a source, buyers, and a campaign.", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="paused_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Set: leads are taken in but none is distributed. Clear it to go on.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="slug",
            field=models.SlugField(
                help_text="Its short name on the command line, e.g. `sunbelt`. Unique; filled in from the name.",
                unique=True,
            ),
        ),
        migrations.AlterField(
            model_name="workspace",
            name="timezone",
            field=models.CharField(
                default="America/New_York",
                help_text="Where it works, by its IANA name, e.g. America/Chicago.",
                max_length=50,
            ),
        ),
    ]
