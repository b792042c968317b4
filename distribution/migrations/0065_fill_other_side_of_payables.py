"""Payments to sources that exist were booked by hand: their other side says so. In batches, while sales go on."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, transaction

ROWS_A_BATCH = 5_000

# Payables are append-only. This batch alone may change entries, and only this column.
REFUSE = "pgtrigger_refuse_change_90e62"
ALLOW = f"SELECT set_config('pgtrigger.ignore', '{{distribution_payableentry:{REFUSE},{REFUSE}}}', true)"
# The condition on both kinds is that of an index, which has few entries.
FILL = """
WITH batch AS (
    SELECT id FROM distribution_payableentry
    WHERE kind IN ('adjustment', 'paid') AND kind = 'paid' AND id > %(after)s ORDER BY id LIMIT %(rows)s
), filled AS (
    UPDATE distribution_payableentry e SET other_account = 'manual_clearing'
    FROM batch WHERE e.id = batch.id AND e.other_account = 'source_costs'
)
SELECT max(id) FROM batch
"""


def fill(_apps, schema_editor):
    """A second run goes on where the first was cut off."""
    after = 0
    while after is not None:
        after = _fill_batch(schema_editor.connection, after=after)


def _fill_batch(connection, *, after):
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(ALLOW)
        cursor.execute(FILL, {"after": after, "rows": ROWS_A_BATCH})
        return cursor.fetchone()[0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0064_other_side_of_payables")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        ValidateConstraint(model_name="payableentry", name="payable_account_fits_kind"),
    ]
