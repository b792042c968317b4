"""The wallet: what is left, how to add to it, and every entry."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from distribution.models import Assignment, AssignmentState, LedgerEntry, LedgerKind
from distribution.money.by_day import draw_balances
from distribution.payments.account import has_cards
from distribution.portal.home import find_available
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, read_paging
from distribution.queries import Period, list_ledger


class WalletPage(PortalPage):
    section = "portal-wallet"

    def get(self, request: HttpRequest) -> HttpResponse:
        kind = request.GET.get("kind", "")
        if kind and kind not in LedgerKind.values:
            raise Http404
        paging = read_paging(request, name="ledger", buyer=self.buyer)
        entries = list_ledger(
            self.buyer, limit=SIZE + 1, before=paging.before, period=Period(), kind=kind or None
        )
        page = paging.show(entries)
        context = {
            "wallet": self.buyer.wallet,
            "has_cards": has_cards(),
            "available_cents": find_available(self.buyer.wallet),
            "chart": draw_balances(self.buyer.wallet, at=self.at, zone=self.zone),
            "page": page,
            "entries": self._name_leads(page.rows),
            "kinds": LedgerKind.choices,
            "kind": kind,
        }
        return self.show_page("wallet", context)

    def _name_leads(self, entries: Sequence[LedgerEntry]) -> list[tuple[LedgerEntry, str]]:
        """Each entry with the lead that it is about; blank for others. One statement."""
        ids = {entry.assignment_id for entry in entries if entry.assignment_id is not None}
        found = Assignment.objects.filter(buyer=self.buyer, pk__in=ids).select_related("lead", "campaign")
        names: dict[Any, str] = {each.pk: name_lead(each) for each in found}
        return [(entry, names.get(entry.assignment_id, "")) for entry in entries]


def name_lead(assignment: Assignment) -> str:
    """The person, only of a lead that the buyer holds, or the work; and the campaign."""
    lead = assignment.lead
    is_held = assignment.state == AssignmentState.SOLD
    person = f"{lead.first_name} {lead.last_name}".strip() if is_held else ""
    work = f"{lead.vertical.replace('_', ' ').capitalize()} {lead.zip or ''}".strip()
    return f"{person or work}, {assignment.campaign.name}"
