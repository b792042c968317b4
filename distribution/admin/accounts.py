"""The page "Accounts": the balance of each account of a workspace, their sum, and links to their movements."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from distribution.models import Account
from distribution.money.balances import AccountBalance, TooManyEntries, read_balances
from distribution.slow_work import SUMS, TooBusy
from tracing.admin.confirming import ConfirmingAdmin
from tracing.admin.named import NamingAdmin
from tracing.admin.scope import visible_names
from tracing.parsing import parse_id
from tracing.wording import money

VIEW: Final = "distribution.view_ledgerentry"
MEANINGS: Final[Mapping[Account, str]] = {
    Account.WALLET: "What buyers paid and have not spent",
    Account.REVENUE: "Charged for leads, less refunds",
    Account.SOURCE_PAYABLE: "Earned by sources and not paid yet",
    Account.SOURCE_COSTS: "What sources earned, below $0.00",
    Account.CARD_CLEARING: "Card payments of buyers, below $0.00",
    Account.MANUAL_CLEARING: "Payments and adjustments booked by hand: what came in is below $0.00",
}
BUSY: Final = "Not summed now: another page is summing accounts. Load this page again in a moment."
TOO_MANY: Final = (
    "Not summed: the entries of this workspace are too many to sum while a page waits. manage.py verify checks that "
    "its accounts sum to $0.00."
)
# The lists that have the movements of an account: title, page, and whether it is chosen by the other side.
LISTS: Final[Mapping[Account, Sequence[tuple[str, str, bool]]]] = {
    Account.WALLET: (("Wallets", "wallet", False), ("Entries", "ledgerentry", False)),
    Account.REVENUE: (("Entries", "ledgerentry", True),),
    Account.SOURCE_PAYABLE: (("Payables", "payableentry", False),),
    Account.SOURCE_COSTS: (("Payables", "payableentry", True),),
    Account.CARD_CLEARING: (("Entries", "ledgerentry", True),),
    Account.MANUAL_CLEARING: (("Entries", "ledgerentry", True), ("Payables", "payableentry", True)),
}


class AccountsAdmin(ConfirmingAdmin, NamingAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_accounts)
        return [path("accounts/", view, name="distribution_ledgerentry_accounts"), *super().get_urls()]

    def show_accounts(self, request: HttpRequest) -> HttpResponse:
        """`?workspace=` chooses; the first one without it."""
        self.require(VIEW, request=request)
        workspaces = visible_names(request)
        workspace_id = _choose(request, workspaces)
        balances, problem = _read(workspace_id)
        total = sum(each.cents for each in balances)
        total_pending = sum(each.pending_cents for each in balances)
        context = {
            **self.admin_site.each_context(request),
            "title": "Accounts",
            "opts": self.opts,
            "workspaces": workspaces,
            "workspace_id": workspace_id,
            "accounts": [_describe(each, workspace_id=workspace_id or 0) for each in balances],
            "total": money(total),
            "total_pending": money(total_pending),
            "problem": problem,
            "is_balanced": total == total_pending == 0,
        }
        return TemplateResponse(request, "admin/distribution/ledgerentry/accounts.html", context)


def _read(workspace_id: int | None) -> tuple[Sequence[AccountBalance], str]:
    """And why there are none."""
    if workspace_id is None:
        return [], ""
    try:
        with SUMS.take():
            return read_balances(workspace_id), ""
    except TooBusy:
        return [], BUSY
    except TooManyEntries:
        return [], TOO_MANY


def _choose(request: HttpRequest, workspaces: Sequence[tuple[int, str]]) -> int | None:
    """Raises Http404 unless the user sees the workspace."""
    if not request.GET.get("workspace"):
        return workspaces[0][0] if workspaces else None
    asked = parse_id(request.GET["workspace"])
    if asked not in dict(workspaces):
        raise Http404
    return asked


def _describe(balance: AccountBalance, *, workspace_id: int) -> Mapping[str, Any]:
    account = balance.account
    return {
        "name": account.label,
        "balance": money(balance.cents),
        "pending": money(balance.pending_cents),
        "meaning": MEANINGS[account],
        "links": [
            (title, _list_url(page, workspace_id, account if is_chosen else None))
            for title, page, is_chosen in LISTS[account]
        ],
    }


def _list_url(page: str, workspace_id: int, account: Account | None) -> str:
    chosen = {"workspace": str(workspace_id), **({"other_account__exact": account.value} if account else {})}
    return f"{reverse(f'admin:distribution_{page}_changelist')}?{urlencode(chosen)}"
