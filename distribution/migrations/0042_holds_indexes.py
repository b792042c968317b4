"""What reads whole tables: without locks that writers would wait for, and so outside a transaction.

When it is interrupted an index may stay behind as invalid: drop it, migrate again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("distribution", "0041_ledger_of_holds")]

    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(condition=models.Q(("state", "held")), fields=["id"], name="assignment_held"),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY assignment_lead_buyer_once"
                    " ON distribution_assignment (lead_id, buyer_id) WHERE state IN ('sold', 'held')",
                    "DROP INDEX CONCURRENTLY IF EXISTS assignment_lead_buyer_once",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="assignment",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("state__in", ("sold", "held"))),
                        fields=("lead", "buyer"),
                        name="assignment_lead_buyer_once",
                    ),
                ),
            ],
        ),
        ValidateConstraint(model_name="assignment", name="assignment_returned_at_iff_returned"),
        ValidateConstraint(model_name="assignment", name="assignment_real_sale_is_counted"),
        ValidateConstraint(model_name="assignment", name="assignment_settled_at_fits_state"),
        ValidateConstraint(model_name="campaign", name="campaign_post_deadline_in_range"),
        ValidateConstraint(model_name="ledgerentry", name="ledger_sign_fits_kind"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY ledger_one_end_of_hold"
                    " ON distribution_ledgerentry (assignment_id) WHERE kind IN ('capture', 'release')",
                    "DROP INDEX CONCURRENTLY IF EXISTS ledger_one_end_of_hold",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="ledgerentry",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("kind__in", ["capture", "release"])),
                        fields=("assignment",),
                        name="ledger_one_end_of_hold",
                    ),
                ),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS assignment_live_lead_buyer_unique",
                    "CREATE UNIQUE INDEX CONCURRENTLY assignment_live_lead_buyer_unique"
                    " ON distribution_assignment (lead_id, buyer_id) WHERE state = 'sold'",
                )
            ],
            state_operations=[
                migrations.RemoveConstraint(
                    model_name="assignment", name="assignment_live_lead_buyer_unique"
                ),
            ],
        ),
    ]
