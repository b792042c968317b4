"""Who hears of a low wallet, and below which amount: on the pages of wallets and of subscriptions."""

from typing import Final

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from distribution.models import EventKind, Subscription, Wallet
from tracing.wording import money

NOBODY: Final = "Nobody: no active subscription has wallet.low. Add one under Subscriptions."
NOT_SET: Final = "Not set, so wallet.low is never sent. Set Notice below on the page of the wallet."


def describe_hearers(wallet: Wallet) -> str:
    """The active subscriptions of the buyer and of the agency that have the event."""
    agency = Q(buyer=None, source=None, workspace=wallet.buyer.workspace_id)
    hears = Subscription.objects.filter(Q(buyer=wallet.buyer_id) | agency, active=True, disabled_at=None)
    chosen = hears.filter(events__contains=[EventKind.WALLET_LOW.value]).select_related(
        "buyer__workspace", "source__workspace", "workspace"
    )
    names = [str(each) for each in chosen.defer("headers", "template").order_by("pk")]
    return ", ".join(names) or NOBODY


def describe_limits(subscription: Subscription) -> str:
    """Of the wallets whose event it gets."""
    if subscription.buyer is not None:
        cents = Wallet.objects.get(buyer=subscription.buyer).notice_below_cents
        return NOT_SET if cents is None else f"{money(cents)}, set on the page of the wallet."
    wallets = Wallet.objects.filter(buyer__workspace=subscription.workspace_id)
    limited = wallets.filter(notice_below_cents__isnull=False).count()
    return f"Wallets with a limit: {limited} of {wallets.count()}. Set Notice below on the page of each."


def link_subscriptions(wallet: Wallet, *, request: HttpRequest) -> list[dict[str, str]]:
    """For a person who may see the list."""
    if not request.user.has_perm("distribution.view_endpoint"):
        return []
    listed = reverse("admin:distribution_subscription_changelist")
    return [{"title": "Subscriptions", "url": f"{listed}?workspace__id__exact={wallet.buyer.workspace_id}"}]


def link_wallets(subscription: Subscription, *, request: HttpRequest) -> list[dict[str, str]]:
    """To the wallet of the buyer, or to the list of all."""
    if not request.user.has_perm("distribution.view_wallet"):
        return []
    if subscription.buyer_id is not None:
        wallet_id = Wallet.objects.values_list("pk", flat=True).get(buyer=subscription.buyer_id)
        return [{"title": "Wallet", "url": reverse("admin:distribution_wallet_change", args=[wallet_id])}]
    listed = reverse("admin:distribution_wallet_changelist")
    workspace = f"?buyer__workspace__id__exact={subscription.workspace_id}"
    return [{"title": "Wallets", "url": f"{listed}{workspace}"}]
