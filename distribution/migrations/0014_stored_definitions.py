import sys
from typing import Any

from django.db import IntegrityError, migrations, transaction

from distribution.review.stored import review_stored

CONSTRAINTS = (
    ("distribution_campaign", "campaign_amounts_in_range"),
    ("distribution_tier", "tier_amounts_in_range"),
    ("distribution_enrollment", "enrollment_amounts_in_range"),
    ("distribution_wallet", "wallet_limit_in_range"),
)


def tell(line: str) -> None:
    sys.stdout.write(f"\n    {line}")


def correct_definitions(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """Each row in its own statement: no lock is held over the table."""
    for finding in review_stored(apps.get_model, write=True):
        tell(f"{'corrected' if finding.is_corrected else 'correct this'}: {finding}")


def validate_amounts(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """Rows beyond the largest amounts are named and stay: the constraint holds for every later write."""
    for table, name in CONSTRAINTS:
        try:
            with transaction.atomic(using=schema_editor.connection.alias):
                schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        except IntegrityError:
            tell(
                f"correct this: {table} has rows that {name} refuses, and no sale can write them;"
                f" then: ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
            )


class Migration(migrations.Migration):
    """Brings stored definitions into the form that leads have, and lists what a person must correct."""

    atomic = False

    dependencies = [
        ("distribution", "0013_waking"),
    ]

    operations = [
        migrations.RunPython(correct_definitions, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(validate_amounts, migrations.RunPython.noop),
    ]
