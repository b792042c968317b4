"""What a person may do with a payment by card: refund it, or ask the provider what became of it."""

from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from distribution.admin.dollars import LARGE_SUMS, DollarField
from distribution.admin.money_actions import MOVE_MONEY, LargeSumForm
from distribution.models import CardPayment, PaymentState
from distribution.payments.asking import Refundable, ask_refund, find_hindrance, read_refundable
from distribution.payments.buying import PaymentRefused, require_cards
from distribution.payments.looking_up import look_up
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.wording import money

ACTIONS: Final = {"refund": "Refund", "lookup": "Look up at the provider"}
ASKED: Final = (
    "A refund of {amount} was asked for. The provider is asked within seconds. This page shows the result."
)
AGAIN: Final = "This form was sent before. No second refund was asked for."
LOOKUP: Final = (
    "The provider is asked now what became of this payment, and what it says is applied. Nothing is charged or paid"
    " back."
)


class RefundForm(LargeSumForm):
    """`most_cents`: what can still be refunded, for its text. The use case checks it."""

    amount = DollarField(label="Amount in dollars")
    again = DollarField(label="Confirm the amount", required=False)

    def __init__(self, *args: Any, may_move_large_sums: bool, most_cents: int, **kwargs: Any) -> None:
        super().__init__(*args, may_move_large_sums=may_move_large_sums, **kwargs)
        self["amount"].help_text = f"At most {money(most_cents)}."


class CardPaymentActionsAdmin(ConfirmingAdmin, ReadOnlyAdmin):
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [
            path("<path:object_id>/<slug:name>/do/", view, name="distribution_cardpayment_do"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        payment = self.get_object(request, object_id)
        buttons = []
        if payment is not None and request.user.has_perm(MOVE_MONEY):
            names = [] if find_hindrance(payment) else ["refund"]
            buttons = [self._button(request, payment, name) for name in (*names, "lookup")]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def _button(self, request: HttpRequest, payment: CardPayment, name: str) -> dict[str, str]:
        url = reverse("admin:distribution_cardpayment_do", args=[payment.pk, name])
        return {"title": f"{ACTIONS[name]}…", "url": preserve_list_filters(self, request, url)}

    def act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(MOVE_MONEY, request=request)
        payment: CardPayment | None = self.get_object(request, object_id)
        if payment is None or name not in ACTIONS:
            raise Http404
        return (self._refund if name == "refund" else self._look_up)(request, payment)

    def _refund(self, request: HttpRequest, payment: CardPayment) -> HttpResponse:
        refundable = read_refundable(payment)
        form = RefundForm(
            request.POST or None,
            may_move_large_sums=request.user.has_perm(LARGE_SUMS),
            most_cents=refundable.most_cents,
            initial={"amount": refundable.most_cents},
        )
        if request.method == "POST" and form.is_valid() and self._ask(request, payment, form):
            return HttpResponseRedirect(self._back(request, payment))
        why_not = _find_hindrance(payment)
        context = {
            "lines": [why_not] if why_not else list(_describe_refund(payment, refundable)),
            "button": ACTIONS["refund"],
            "is_possible": not why_not or bool(form.errors),
            "back": self._back(request, payment),
        }
        return self.confirm(request, title=f"Refund: {self.title_of(payment)}", form=form, context=context)

    def _ask(self, request: HttpRequest, payment: CardPayment, form: RefundForm) -> bool:
        entered = form.cleaned_data
        try:
            refund, is_new = ask_refund(
                payment,
                amount_cents=entered["amount"],
                token=entered["token"],
                actor=request.user.get_username(),
                reason=entered["reason"],
            )
        except PaymentRefused as refusal:
            form.add_error(refusal.field or None, f"Nothing was asked for. {refusal}")
            return False
        line = ASKED.format(amount=money(refund.amount_cents)) if is_new else AGAIN
        self.message_user(request, line, messages.SUCCESS if is_new else messages.WARNING)
        return True

    def _look_up(self, request: HttpRequest, payment: CardPayment) -> HttpResponse:
        form, wait_seconds = ReasonForm(request.POST or None), 0
        if request.method == "POST" and form.is_valid():
            actor = request.user.get_username()
            try:
                line = look_up(payment, actor=actor, reason=form.cleaned_data["reason"])
            except PaymentRefused as refusal:
                wait_seconds = refusal.wait_seconds
                form.add_error(None, f"Nothing was changed. {refusal}")
            else:
                self.message_user(request, line, messages.SUCCESS)
                return HttpResponseRedirect(self._back(request, payment))
        context = {
            "lines": [LOOKUP],
            "button": "Look up",
            "is_possible": True,
            "back": self._back(request, payment),
        }
        response = self.confirm(
            request, title=f"Look up: {self.title_of(payment)}", form=form, context=context
        )
        if wait_seconds:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
            response.headers["Retry-After"] = str(wait_seconds)
        return response

    def _back(self, request: HttpRequest, payment: CardPayment) -> str:
        page = reverse("admin:distribution_cardpayment_change", args=[payment.pk])
        return preserve_list_filters(self, request, page)


def _find_hindrance(payment: CardPayment) -> str:
    """Why the page has no form."""
    try:
        require_cards()
    except PaymentRefused:
        return "Payments by card are not set up here: LEADSWITCH_STRIPE_SECRET_KEY is not set. Refund it at Stripe."
    hindrance = find_hindrance(payment)
    return "" if hindrance is None else str(hindrance)


def _describe_refund(payment: CardPayment, refundable: Refundable) -> list[str]:
    buyer = payment.wallet.buyer
    paid = f"{buyer} paid {money(payment.amount_cents)} with the card {payment.card}."
    left = f"{money(refundable.left_cents)} of it is left to refund."
    if payment.state == PaymentState.SURPLUS:
        return [paid, left, "It was taken twice and gave no credits, so the wallet does not change."]
    free = refundable.free_cents or 0
    return [
        paid,
        left,
        f"The wallet's balance is {money(refundable.balance_cents)}, of which {money(free)} is free. The refund"
        " leaves the wallet as soon as the provider has accepted it.",
        f"After a refund of {money(refundable.most_cents)} the balance is"
        f" {money(refundable.balance_cents - refundable.most_cents)}.",
    ]
