"""Lists of what sources are owed: the ledger with its running balance, and the versions of contracts."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from distribution.models import PayableEntry, SourceContract
from distribution.payables.statement import read_balances_after
from routing.models import Source
from tracing.admin.columns import NOTHING, money_column, time_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.named import NamingAdmin, named_field
from tracing.parsing import parse_text, parse_uuid
from tracing.wording import money

MAX_SOURCES: Final = 100  # whose rows one search shows


class OfSourcesAdmin(NamingAdmin):
    """Rows of a source. They are found by the name or the public id of the source."""

    workspace_path = "source__workspace"
    list_select_related = ("source__workspace",)
    search_help_text = "All or part of a source's name, or its public id."

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        if parse_text(text) is None:
            return Q(pk__in=[])
        public_id = parse_uuid(text)
        named = Q(public_id=public_id) if public_id else Q(name__icontains=text)
        sources = self.admin_site.get_model_admin(Source).get_queryset(request).filter(named)
        found = self.find_first(sources.order_by("pk"), most=MAX_SOURCES, what="sources", request=request)
        return super().find_named(text, request=request) | Q(source_id__in=found)


@admin.register(PayableEntry)
class PayableEntryAdmin(OfSourcesAdmin):
    list_display = (
        "id",
        "source",
        "kind",
        "amount",
        "other_account",
        "balance_after",
        "sale",
        "actor",
        "created",
    )
    list_filter = ("kind", "other_account", WorkspaceFilter)
    empty_list_text = "Each sale of a source with a contract is listed here, with its returns and payments."
    fields = (
        "source",
        "kind",
        "amount",
        "other_account",
        "sold_lead",
        "sale",
        "contract",
        "idempotency_key",
        "actor",
        "reason",
    )
    readonly_fields = ("amount", "sold_lead", "sale")
    named = {"assignment_id": "distribution.assignment", "lead_id": "routing.lead"}
    named_in_list = ("assignment_id",)
    short_in_list = ("assignment_id",)
    sale = named_field("assignment_id", label="assignment")
    sold_lead = named_field("lead_id", label="lead")
    amount = money_column("amount_cents", label="amount")
    created = time_column("created_at")

    def name_rows(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        shown = list(rows)
        super().name_rows(request, shown)
        balances = read_balances_after(shown)
        for row in shown:
            row.balance_after_cents = balances[row.pk]

    @admin.display(description="owed after")
    def balance_after(self, entry: PayableEntry) -> str:
        cents = getattr(entry, "balance_after_cents", None)
        return NOTHING if cents is None else money(cents)


@admin.register(SourceContract)
class SourceContractAdmin(OfSourcesAdmin):
    list_display = ("source", "terms", "valid_from", "starts", "actor", "added")
    empty_list_text = "Open a source and choose “Set contract”."
    fields = ("source", "terms", "valid_from", "starts_at", "actor", "reason", "created_at")
    readonly_fields = ("terms",)
    starts = time_column("starts_at", label="starts")
    added = time_column("created_at", label="added")

    @admin.display(description="pays")
    def terms(self, contract: SourceContract) -> str:
        return contract.describe_terms()
