"""Sold leads, and leads that wait for the buyer's system."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from distribution.admin.money_actions import ReturnActionAdmin
from distribution.admin.money_history import ledger_lines
from distribution.models import Assignment, AssignmentState, Buyer, LedgerEntry
from routing.models import Lead
from tracing.admin.columns import id_column, money_column, test_column, time_column, word_column
from tracing.admin.history import HistoryLine, merge
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.named import NamingAdmin, named_field
from tracing.models import Attempt
from tracing.parsing import parse_id, parse_text, parse_uuid
from tracing.wording import money, short_id

MAX_FOUND: Final = 100  # leads and buyers whose assignments one search shows


@admin.register(Assignment)
class AssignmentAdmin(ReturnActionAdmin, NamingAdmin):
    has_history = True
    workspace_path = "buyer__workspace"
    list_display = (
        "short_id",
        "sold_lead",
        "buyer",
        "campaign",
        "price",
        "standing",
        "test",
        "sold",
        "returned",
    )
    list_filter = ("state", "is_test")
    scan_time = "created_at"
    empty_list_text = "No leads sold yet. Sold leads are listed here."
    list_select_related = ("buyer__workspace", "campaign__workspace")
    search_help_text = (
        "Public id of the assignment, lead or buyer; the lead's id, email address, phone number or external id; all "
        "or part of a buyer's name; or an attempt id."
    )
    fields = (
        *("public_id", "sold_lead", "buyer", "campaign", "enrollment", "attempt", "price", "standing"),
        *("is_test", "created_at", "settled_at", "reject_reason", "returned_at"),
    )
    readonly_fields = ("sold_lead", "attempt", "price", "standing")
    named = {"attempt_id": "tracing.attempt", "lead_id": "routing.lead"}
    named_in_list = ("lead_id",)
    short_in_list = ("lead_id",)
    short_id = id_column()
    sold_lead = named_field("lead_id", label="lead")
    attempt = named_field("attempt_id", label="attempt")
    price = money_column("price_cents", label="price")
    sold = time_column("sold_at", label="sold")
    returned = time_column("returned_at")
    test = test_column()
    standing = word_column("state", words=dict(AssignmentState.choices))

    def title_of(self, row: Assignment) -> str:
        kind = "Test sale" if row.is_test else "Sale"
        return f"{kind} to {row.buyer.name} for {money(row.price_cents)} ({short_id(row.public_id)})"

    def history_of(self, row: Assignment, *, request: HttpRequest) -> list[HistoryLine]:
        """Includes every movement of money that it caused."""
        return merge(
            super().history_of(row, request=request), ledger_lines(LedgerEntry.objects.filter(assignment=row))
        )

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:
        """Returned ones are few, and have no index: of some workspaces they are found by the buyer."""
        return MAX_SCANNED if asked.get("state__exact") and ids is None else None

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By ids that are looked up first: an OR over joined tables would read every assignment."""
        leads, buyers = self._find_leads(text, request=request), self._find_buyers(text, request=request)
        named = [Q(lead_id__in=leads)] if leads else []
        if len(buyers) == 1:
            named.append(Q(buyer_id=buyers[0]))  # with one value, its index gives them in their order
        elif buyers:
            named.append(Q(buyer_id__in=buyers))
        public_id = parse_uuid(text)
        if public_id is not None and not named:
            named.append(Q(public_id=public_id))
        return reduce(or_, named, Q(pk__in=[])) if len(named) != 1 else named[0]

    def _find_leads(self, text: str, *, request: HttpRequest) -> list[int]:
        """Leads that the list of leads finds by this text, and the lead of an attempt with this id."""
        page: Any = self.admin_site.get_model_admin(Lead)
        rows = page.scope(Lead.objects.order_by(), request=request)
        named = rows.filter(page.find_named(text, request=request))
        found = self.find_first(named, most=MAX_FOUND, what="leads", request=request)
        attempt_id = parse_uuid(text)
        if attempt_id is not None:
            found += Attempt.objects.filter(pk=attempt_id).values_list("lead_id", flat=True)
        return found

    def _find_buyers(self, text: str, *, request: HttpRequest) -> list[int]:
        if parse_text(text) is None or parse_id(text) is not None:  # a number is a lead's
            return []
        public_id = parse_uuid(text)
        named = Q(public_id=public_id) if public_id else Q(name__icontains=text)
        buyers = self.admin_site.get_model_admin(Buyer).get_queryset(request).filter(named)
        return self.find_first(buyers.order_by("pk"), most=MAX_FOUND, what="buyers", request=request)
