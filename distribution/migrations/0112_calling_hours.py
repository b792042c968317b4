"""When the law allows calls. The table is new; the next migration fills it."""

import django.core.validators
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0111_end_of_verifications"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallingHours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        help_text="Two letters, e.g. US.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Z]{2}\\Z", "Enter the two letters of the country, e.g. US."
                            )
                        ],
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Two letters, e.g. GA. Empty: the rule of the whole country, which no state can widen.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A([A-Z]{2})?\\Z", "Enter the two letters of the state, e.g. GA."
                            )
                        ],
                    ),
                ),
                (
                    "opens",
                    models.TimeField(
                        help_text="The first minute of a call, on the clock of the person who is called."
                    ),
                ),
                (
                    "closes",
                    models.TimeField(help_text="No phone rings at this minute or later, on the same clock."),
                ),
                (
                    "calls_on_sunday",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="If not, nobody there is called on Sunday.",
                        verbose_name="calls on Sunday",
                    ),
                ),
                (
                    "calls_on_holidays",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="If not, nobody there is called on federal holidays, on those of the state, and on the days on which they are observed.",
                    ),
                ),
                (
                    "most_calls_per_day",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="How many calls a person may get in 24 hours. Empty: no limit by law.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(20),
                        ],
                    ),
                ),
                ("source", models.CharField(help_text="The law or page that says so.", max_length=200)),
                (
                    "checked_on",
                    models.DateField(help_text="When a person last compared this row with its source."),
                ),
            ],
            options={
                "verbose_name": "calling hours",
                "verbose_name_plural": "calling hours",
                "db_table": "distribution_callinghours",
            },
        ),
        migrations.AddConstraint(
            model_name="callinghours",
            constraint=models.UniqueConstraint(
                fields=("country", "state"),
                name="callinghours_one_of_place",
                violation_error_message="This place has its hours already. Change that row.",
            ),
        ),
        migrations.AddConstraint(
            model_name="callinghours",
            constraint=models.CheckConstraint(
                condition=models.Q(("opens__lt", models.F("closes"))),
                name="callinghours_open_before_close",
                violation_error_message="It must open before it closes.",
            ),
        ),
        migrations.AddConstraint(
            model_name="callinghours",
            constraint=models.CheckConstraint(
                condition=models.Q(("country__regex", "^[A-Z]{2}$"), ("state__regex", "^([A-Z]{2})?$")),
                name="callinghours_codes",
            ),
        ),
        migrations.AddConstraint(
            model_name="callinghours",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("most_calls_per_day__isnull", True),
                    models.Q(("most_calls_per_day__gte", 1), ("most_calls_per_day__lte", 20)),
                    _connector="OR",
                ),
                name="callinghours_most_calls_in_range",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callinghours",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    PERFORM pg_advisory_xact_lock(30526189868511859);\n    WITH parked AS (\n        SELECT id FROM distribution_verification\n        WHERE state = 'waiting' AND reason <> '' AND reason IN ('outside_calling_hours', 'no_calling_hours', 'called_too_often') AND due_at > clock_timestamp()\n        FOR NO KEY UPDATE SKIP LOCKED\n    )\n    UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;\n    IF FOUND THEN\n        NOTIFY leadswitch_calls;\n    END IF;\n    RETURN NULL;\n",
                    hash="92c5446e7b6536743a51640d6742eed99d841abf",
                    operation="INSERT",
                    pgid="pgtrigger_wake_on_insert_e9a7d",
                    table="distribution_callinghours",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callinghours",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.country IS DISTINCT FROM OLD.country OR NEW.state IS DISTINCT FROM OLD.state OR NEW.opens IS DISTINCT FROM OLD.opens OR NEW.closes IS DISTINCT FROM OLD.closes OR NEW.calls_on_sunday IS DISTINCT FROM OLD.calls_on_sunday OR NEW.calls_on_holidays IS DISTINCT FROM OLD.calls_on_holidays OR NEW.most_calls_per_day IS DISTINCT FROM OLD.most_calls_per_day)",
                    func="\n    PERFORM pg_advisory_xact_lock(30526189868511859);\n    WITH parked AS (\n        SELECT id FROM distribution_verification\n        WHERE state = 'waiting' AND reason <> '' AND reason IN ('outside_calling_hours', 'no_calling_hours', 'called_too_often') AND due_at > clock_timestamp()\n        FOR NO KEY UPDATE SKIP LOCKED\n    )\n    UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;\n    IF FOUND THEN\n        NOTIFY leadswitch_calls;\n    END IF;\n    RETURN NULL;\n",
                    hash="42239a39eef5e8672a82f52bf54ea91994b0c9ff",
                    operation='UPDATE OF "country", "state", "opens", "closes", "calls_on_sunday", "calls_on_holidays", "most_calls_per_day"',
                    pgid="pgtrigger_wake_on_update_97289",
                    table="distribution_callinghours",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callinghours",
            trigger=pgtrigger.compiler.Trigger(
                name="wake_on_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    PERFORM pg_advisory_xact_lock(30526189868511859);\n    WITH parked AS (\n        SELECT id FROM distribution_verification\n        WHERE state = 'waiting' AND reason <> '' AND reason IN ('outside_calling_hours', 'no_calling_hours', 'called_too_often') AND due_at > clock_timestamp()\n        FOR NO KEY UPDATE SKIP LOCKED\n    )\n    UPDATE distribution_verification v SET due_at = clock_timestamp() FROM parked WHERE v.id = parked.id;\n    IF FOUND THEN\n        NOTIFY leadswitch_calls;\n    END IF;\n    RETURN NULL;\n",
                    hash="971900be2b1d6ea2d86ebe55f7193ad41f90fc53",
                    operation="DELETE",
                    pgid="pgtrigger_wake_on_delete_8fc55",
                    table="distribution_callinghours",
                    when="AFTER",
                ),
            ),
        ),
    ]
