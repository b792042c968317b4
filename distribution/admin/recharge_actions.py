"""Pauses and resumes the automatic recharge of a wallet, with a reason."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.cards import describe_recharge
from distribution.models import PauseReason, Recharge, Wallet
from distribution.payments.buying import PaymentRefused
from distribution.payments.settings import change_recharge
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters

CHANGE: Final = "distribution.change_wallet"
NAMES: Final = {"pause": "Pause automatic recharge", "resume": "Resume automatic recharge"}
LINES: Final = {
    "pause": "No payment is started until an operator resumes it. A payment that is pending still ends.",
    "resume": "A payment is started as soon as the balance is below the threshold. Earlier declines are forgotten.",
}


class RechargeActionsAdmin(ConfirmingAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_recharge)
        return [
            path("<path:object_id>/recharge/<slug:name>/", view, name="distribution_wallet_recharge"),
            *super().get_urls(),
        ]

    def switch_recharge(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(CHANGE, request=request)
        wallet: Wallet | None = self.get_object(request, object_id)
        if wallet is None or name not in NAMES:
            raise Http404
        recharge = Recharge.objects.filter(wallet=wallet).first()
        form = ReasonForm(request.POST or None, state=_state_of(recharge))
        back = preserve_list_filters(
            self, request, reverse("admin:distribution_wallet_change", args=[wallet.pk])
        )
        if request.method == "POST" and form.is_valid() and self._switch(request, wallet, name, form):
            return HttpResponseRedirect(back)
        is_possible = name in find_buttons(recharge)
        context = {
            "lines": [f"Now: {describe_recharge(wallet)}.", *([LINES[name]] if is_possible else [])],
            "button": NAMES[name],
            "is_possible": is_possible or bool(form.errors),
            "back": back,
        }
        return self.confirm(request, title=f"{NAMES[name]}: {wallet.buyer}", form=form, context=context)

    def _switch(self, request: HttpRequest, wallet: Wallet, name: str, form: ReasonForm) -> bool:
        changes = {"is_paused": name == "pause"}
        actor, reason = request.user.get_username(), form.cleaned_data["reason"]
        try:
            change_recharge(wallet.buyer, changes, actor=actor, reason=reason, at=timezone.now())
        except PaymentRefused as refusal:
            form.add_error(None, f"Nothing was changed. {refusal}")
            return False
        done = "is paused" if name == "pause" else "is resumed"
        self.message_user(request, f"Automatic recharge of {wallet.buyer} {done}.", messages.SUCCESS)
        return True


def find_buttons(recharge: Recharge | None) -> list[str]:
    """Nothing if it is off. A pause that a payment or the buyer may end can be made one of the agency."""
    if recharge is None or not recharge.is_on:
        return []
    possible = {
        "pause": recharge.pause_reason != PauseReason.BY_HAND,
        "resume": recharge.paused_at is not None,
    }
    return [name for name, is_possible in possible.items() if is_possible]


def _state_of(recharge: Recharge | None) -> str:
    return "" if recharge is None else f"{recharge.is_on} {recharge.paused_at}"


def link_recharge(wallet: Wallet, *, request: HttpRequest) -> list[dict[str, Any]]:
    """For a person who may change wallets."""
    if not request.user.has_perm(CHANGE):
        return []
    names = find_buttons(Recharge.objects.filter(wallet=wallet).first())
    urls = {name: reverse("admin:distribution_wallet_recharge", args=[wallet.pk, name]) for name in names}
    return [{"title": f"{NAMES[name]}…", "url": url} for name, url in urls.items()]
