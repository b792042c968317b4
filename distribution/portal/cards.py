"""The card of a wallet: add and remove it, buy credits, recharge automatically. The use cases are those of the API."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from distribution.models import PauseReason, PaymentState
from distribution.payments.account import get_account, has_cards
from distribution.payments.buying import PaymentRefused, start_payment
from distribution.payments.cards import begin_setup, finish_setup, remove_card
from distribution.payments.confirming import begin_confirmation
from distribution.payments.queries import (
    find_current_card,
    find_payment_of,
    find_payment_to_confirm,
    list_payments,
)
from distribution.payments.settings import change_recharge, find_recharge
from distribution.portal.card_forms import BuyForm, RechargeForm
from distribution.portal.card_policy import allow_stripe, make_nonce
from distribution.portal.changes import REASON, STALE
from distribution.portal.home import find_available
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, read_paging
from distribution.selfservice.refusals import VersionMissing, VersionStale
from distribution.selfservice.versions import require_version

# What a buyer reads about a pause, and what to do.
PAUSES: Final[dict[str, str]] = {
    PauseReason.DECLINED: "Your card was declined. Add another card, or ask your bank and resume it.",
    PauseReason.NEEDS_ACTION: "Your bank wants you to confirm a payment. Press Confirm the payment.",
    PauseReason.NO_CARD: "There is no card. Add one.",
    PauseReason.REFUSED: "The payment was refused. Add another card.",
    PauseReason.NO_ANSWER: "The card provider did not answer. Resume it.",
    PauseReason.DISPUTED: "A card payment was disputed at the bank. Talk to your agency before you resume it.",
    PauseReason.BY_HAND: "Your agency paused it. Ask your agency.",
    PauseReason.BY_BUYER: "You paused it.",
}
STATES: Final[dict[str, tuple[str, str]]] = {
    PaymentState.OPEN: ("being sent", "wait"),
    PaymentState.PROCESSING: ("being processed", "wait"),
    PaymentState.NEEDS_ACTION: ("waits for your confirmation", "wait"),
    PaymentState.SUCCEEDED: ("paid", "good"),
    PaymentState.FAILED: ("declined", "bad"),
    PaymentState.CANCELED: ("canceled", "quiet"),
}


class CardsPage(PortalPage):
    section = "portal-wallet"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_cards()

    def show_cards(
        self,
        *,
        buy: BuyForm | None = None,
        recharge_form: RechargeForm | None = None,
        problem: str = "",
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        recharge = find_recharge(self.buyer)
        paging = read_paging(self.request, name="payments", buyer=self.buyer)
        shown = paging.show(list_payments(self.buyer, limit=SIZE + 1, before=paging.before))
        context = {
            "has_cards": has_cards(),
            "card": find_current_card(self.buyer),
            "available_cents": find_available(self.buyer.wallet),
            "to_confirm": find_payment_to_confirm(self.buyer),
            "recharge": recharge,
            "pause": PAUSES.get(recharge.pause_reason, "") if recharge else "",
            "buy": buy or BuyForm(),
            "recharge_form": recharge_form or RechargeForm.of(recharge),
            "page": shown,
            "payments": [(each, *STATES[each.state]) for each in shown.rows],
            "problem": problem,
        }
        return self.show_page("cards", context, status=status)

    def refuse(self, refusal: PaymentRefused) -> HttpResponse:
        """A provider that does not answer is not the buyer's mistake: 503, and when to try again."""
        if not refusal.wait_seconds:
            return self.show_cards(problem=str(refusal), status=HTTPStatus.CONFLICT)
        response = self.show_cards(problem=str(refusal), status=HTTPStatus.SERVICE_UNAVAILABLE)
        response.headers["Retry-After"] = str(refusal.wait_seconds)
        return response

    def done(self, code: str) -> HttpResponse:
        return HttpResponseRedirect(f"{reverse('portal-cards')}?done={code}")


class _CardAction(CardsPage):
    http_method_names = ["post"]


class AddCardPage(_CardAction):
    """Opens a setup at the provider, and shows the field of the card."""

    def post(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        try:
            setup = begin_setup(self.buyer)
        except PaymentRefused as refusal:
            return self.refuse(refusal)
        return show_stripe(self, "add_card", {"setup": setup})


class CardAddedPage(_CardAction):
    """The browser has given the card to the provider."""

    def post(self, request: HttpRequest) -> HttpResponse:
        setup_id = request.POST.get("setup_id", "")
        try:
            finish_setup(self.buyer, setup_id=setup_id, actor=self.user.actor, at=self.at)
        except PaymentRefused as refusal:
            if refusal.field:
                problem = "The card was not added. Try again."
                return self.show_cards(problem=problem, status=HTTPStatus.CONFLICT)
            return self.refuse(refusal)
        return self.done("card-added")


class RemoveCardPage(_CardAction):
    def post(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        remove_card(self.buyer, actor=self.user.actor, at=self.at)
        return self.done("card-removed")


class BuyPage(_CardAction):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = BuyForm(request.POST)
        if form.is_valid() and self._buy(form):
            return self.done("payment-started")
        return self.show_cards(buy=form, status=HTTPStatus.BAD_REQUEST)

    def _buy(self, form: BuyForm) -> bool:
        try:
            start_payment(
                self.buyer,
                amount_cents=form.cleaned_data["amount"],
                actor=self.user.actor,
                at=self.at,
                public_id=form.cleaned_data["token"],
            )
        except PaymentRefused as refusal:
            form.add_error(None, str(refusal))
            return False
        return True


class ConfirmPaymentPage(_CardAction):
    """The bank asks the cardholder, in a window of the provider."""

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        payment = find_payment_of(self.buyer, public_id=public_id)
        if payment is None:
            raise Http404
        try:
            secret = begin_confirmation(payment)
        except PaymentRefused as refusal:
            return self.refuse(refusal)
        return show_stripe(self, "confirm_payment", {"secret": secret, "payment": payment})


class RechargePage(_CardAction):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = RechargeForm(request.POST)
        try:
            if form.is_valid() and self._change(form):
                return self.done("saved")
        except (VersionStale, VersionMissing):
            return self.show_cards(problem=STALE, status=HTTPStatus.CONFLICT)
        return self.show_cards(recharge_form=form, status=HTTPStatus.BAD_REQUEST)

    def _change(self, form: RechargeForm) -> bool:
        """Raises VersionStale, VersionMissing."""
        shown = form.cleaned_data["version"]
        try:
            switch(self, form.make_changes(), check_version=lambda now: require_version(shown, present=now))
        except PaymentRefused as refusal:
            form.show_refusal(refusal)
            return False
        return True


class PauseRechargePage(_CardAction):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = PauseRechargeForm(request.POST)
        if not form.is_valid() or find_recharge(self.buyer) is None:
            raise Http404
        is_paused = form.cleaned_data["action"] == "pause"
        try:
            switch(self, {"is_paused": is_paused})
        except PaymentRefused as refusal:
            return self.refuse(refusal)
        return self.done("recharge-paused" if is_paused else "recharge-resumed")


class PauseRechargeForm(forms.Form):
    action = forms.ChoiceField(choices=[("pause", "pause"), ("resume", "resume")])


def switch(
    page: PortalPage, changes: dict[str, Any], *, check_version: Callable[[str], None] | None = None
) -> None:
    """Raises PaymentRefused, and what `check_version` raises."""
    change_recharge(
        page.buyer,
        changes,
        actor=page.user.actor,
        reason=REASON,
        at=page.at,
        is_by_buyer=True,
        check_version=check_version,
    )


def show_stripe(page: PortalPage, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page with Stripe.js."""
    nonce = make_nonce()
    response = page.show_page(template, {**context, "nonce": nonce, "js_url": get_account().js_url})
    allow_stripe(response, nonce=nonce)
    return response
