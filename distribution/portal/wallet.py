"""The wallet: what is left, how to add to it, and every entry."""

from django.http import Http404, HttpRequest, HttpResponse

from distribution.models import LedgerKind
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
        context = {
            "wallet": self.buyer.wallet,
            "available_cents": find_available(self.buyer.wallet),
            "page": paging.show(entries),
            "kinds": LedgerKind.choices,
            "kind": kind,
        }
        return self.show_page("wallet", context)
