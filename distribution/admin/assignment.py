"""Leads as buyers bought them."""

from django.contrib import admin

from distribution.admin.money_actions import ReturnActionAdmin
from distribution.admin.money_history import ledger_lines
from distribution.models import Assignment, AssignmentState, LedgerEntry
from tracing.admin.columns import money_column, time_column, word_column
from tracing.admin.history import HistoryLine, merge
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.parsing import parse_uuid


@admin.register(Assignment)
class AssignmentAdmin(ReturnActionAdmin, ReadOnlyAdmin):
    workspace_path = "buyer__workspace"
    list_display = ("public_id", "lead", "buyer", "campaign", "price", "standing", "sold", "returned")
    list_filter = ("state",)
    empty_list_text = "None is sold yet: a lead that comes in and finds a buyer is listed here."
    list_select_related = ("lead", "buyer__workspace", "campaign__workspace")
    search_help_text = "The public id of the assignment, the lead or the buyer, or an attempt's id."
    exact_searches = {
        "public_id": parse_uuid,
        "lead__public_id": parse_uuid,
        "buyer__public_id": parse_uuid,
        "attempt_id": parse_uuid,
    }
    fields = (
        *("public_id", "lead", "buyer", "campaign", "enrollment", "attempt_id", "price", "standing"),
        *("created_at", "returned_at"),
    )
    readonly_fields = ("price", "standing")
    price = money_column("price_cents", label="price")
    sold = time_column("created_at", label="sold")
    returned = time_column("returned_at")
    standing = word_column("state", words=dict(AssignmentState.choices))

    def history_of(self, row: Assignment) -> list[HistoryLine]:
        """With every movement of money that it caused."""
        return merge(super().history_of(row), ledger_lines(LedgerEntry.objects.filter(assignment=row)))
