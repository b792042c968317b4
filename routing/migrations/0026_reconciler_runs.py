from django.db import migrations, models


class Migration(migrations.Migration):
    """A new table."""

    dependencies = [
        ("routing", "0025_switch_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReconcilerRun",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("known_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("checked", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("repaired", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("skipped", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("failure", models.CharField(blank=True, db_default="", default="", max_length=100)),
            ],
            options={
                "db_table": "routing_reconcilerrun",
                "default_permissions": (),
            },
        ),
    ]
