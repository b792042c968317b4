"""Top-ups and adjustments that exist were booked by hand: their other side says so. In batches, while sales go on.

When it is interrupted an index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models, transaction

ROWS_A_BATCH = 5_000
NOT_OF_SALES = ["topup", "adjustment", "refund", "cardrefund", "chargeback", "won_back"]

# The ledger is append-only. This batch alone may change entries, and only this column.
REFUSE = "pgtrigger_refuse_change_451c8"
ALLOW = f"SELECT set_config('pgtrigger.ignore', '{{distribution_ledgerentry:{REFUSE},{REFUSE}}}', true)"
FILL = """
WITH batch AS (
    SELECT id FROM distribution_ledgerentry
    WHERE kind = %(kind)s AND id > %(after)s ORDER BY id LIMIT %(rows)s
), filled AS (
    UPDATE distribution_ledgerentry e SET other_account = 'manual_clearing'
    FROM batch WHERE e.id = batch.id AND e.other_account = 'revenue'
)
SELECT max(id) FROM batch
"""


def fill(_apps, schema_editor):
    """A second run goes on where the first was cut off."""
    for kind in ("topup", "adjustment"):
        after = 0
        while after is not None:
            after = _fill_batch(schema_editor.connection, kind=kind, after=after)


def _fill_batch(connection, *, kind, after):
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(ALLOW)
        cursor.execute(FILL, {"kind": kind, "after": after, "rows": ROWS_A_BATCH})
        return cursor.fetchone()[0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0059_other_side_of_entries")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        ValidateConstraint(model_name="ledgerentry", name="ledger_sign_fits_kind"),
        ValidateConstraint(model_name="ledgerentry", name="ledger_account_fits_kind"),
        # The lists of what is no sale show the movements of cards too.
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("kind__in", NOT_OF_SALES)),
                fields=["kind", "id"],
                name="ledger_kind_not_of_sales",
            ),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("kind__in", NOT_OF_SALES)),
                fields=["wallet", "-id"],
                name="ledger_of_wallet_not_of_sales",
            ),
        ),
        RemoveIndexConcurrently(model_name="ledgerentry", name="ledger_not_charged"),
        RemoveIndexConcurrently(model_name="ledgerentry", name="ledger_wallet_not_of_sales"),
    ]
