"""Top-up and adjustment of a wallet, return of a sold lead. Each has a confirmation page and requires a reason."""

from typing import Any, Final
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.dollars import LARGE_SUMS, MAX_DOLLARS, DollarField, check_large_sum
from distribution.admin.shown_reason import ShownReasonForm
from distribution.models import Assignment, AssignmentState, Wallet
from distribution.money.by_hand import adjust_by_hand, last_by_hand, top_up_by_hand
from distribution.money.movement import MoneyRefused
from distribution.money.wallet import charge_left
from distribution.returns.by_hand import return_by_hand
from routing.dispatch.wakeups import describe_woken
from routing.leads.actions import ActionRefused
from tracing import audit
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.admin.page_version import describe_last_change
from tracing.wording import money

MOVE_MONEY: Final = "distribution.add_ledgerentry"
TAKE_BACK: Final = "distribution.change_assignment"
MOVEMENTS: Final = {
    "topup": ("Top up", "Adds credits the buyer has paid for to its balance.", top_up_by_hand),
    "adjust": (
        "Adjust",
        "Corrects the balance: 12.50 adds $12.50, -12.50 subtracts $12.50.",
        adjust_by_hand,
    ),
}


class LargeSumForm(ReasonForm):
    """Asks `again` when the amount is large. A subclass has the fields `amount` and `again`.

    `token` is the form's own: sent twice, it moves the money once.
    """

    field_order = ("amount", "again", "reason", "buyer_note", "token")
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, may_move_large_sums: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_move_large_sums = may_move_large_sums
        if not (self.is_bound and may_move_large_sums and self._is_large()):
            self.fields["again"].widget = forms.HiddenInput()

    def _is_large(self) -> bool:
        try:
            cents = self.fields["amount"].clean(self["amount"].data)
        except ValidationError:
            return False
        return bool(check_large_sum(cents, again=None, is_allowed=True))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            why = check_large_sum(
                cleaned["amount"], again=cleaned["again"], is_allowed=self.may_move_large_sums
            )
            if why:
                self.add_error("again" if self.may_move_large_sums else "amount", why)
        return cleaned


class MoneyForm(LargeSumForm):
    """The movement compares what was `seen`."""

    asks_again = False
    amount = DollarField(
        label="Amount in dollars",
        least=-MAX_DOLLARS,
        help_text="In dollars: 25 or 25.00 is $25.00, 0.25 is 25 cents.",
    )
    again = DollarField(label="Confirm the amount", least=-MAX_DOLLARS, required=False)
    buyer_note = forms.CharField(
        label="Shown to the buyer",
        max_length=audit.MAX_REASON,
        required=False,
        help_text="Optional. The buyer reads this beside the movement, in the portal and by API, and not the reason.",
    )

    @property
    def amount_cents(self) -> int:
        return int(self.cleaned_data["amount"])


class MoneyActionsAdmin(ConfirmingAdmin):
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.move_money)
        return [
            path("<path:object_id>/money/<slug:name>/", view, name="distribution_wallet_money"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        buttons = []
        if request.user.has_perm(MOVE_MONEY):
            buttons = [
                {
                    "title": title,
                    "url": preserve_list_filters(
                        self, request, reverse("admin:distribution_wallet_money", args=[object_id, name])
                    ),
                }
                for name, (title, _, _) in MOVEMENTS.items()
            ]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def move_money(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(MOVE_MONEY, request=request)
        wallet = self.get_object(request, object_id)
        if wallet is None or name not in MOVEMENTS:
            raise Http404
        title, line, _ = MOVEMENTS[name]
        form = MoneyForm(
            request.POST or None,
            state=last_by_hand(wallet),
            may_move_large_sums=request.user.has_perm(LARGE_SUMS),
        )
        back = preserve_list_filters(
            self, request, reverse("admin:distribution_wallet_change", args=[wallet.pk])
        )
        if request.method == "POST" and form.is_valid() and self._move(request, wallet, name, form):
            return HttpResponseRedirect(back)
        now = f"The balance of {wallet.buyer} is now {money(wallet.balance_cents)}."
        context = {"lines": [line, now], "button": title, "is_possible": True, "back": back}
        return self.confirm(request, title=f"{title}: {wallet.buyer}", form=form, context=context)

    def _move(self, request: HttpRequest, wallet: Wallet, name: str, form: MoneyForm) -> bool:
        title, _, move = MOVEMENTS[name]
        try:
            with transaction.atomic():
                is_new = move(
                    wallet,
                    amount_cents=form.amount_cents,
                    token=form.cleaned_data["token"],
                    actor=request.user.get_username(),
                    reason=form.cleaned_data["reason"],
                    buyer_note=form.cleaned_data["buyer_note"],
                    seen=form.cleaned_data["seen"],
                )
                woken = describe_woken()
        except MoneyRefused as refusal:
            form.add_error("amount", f"No money was moved: {refusal}.")
            return False
        if is_new:
            self.message_user(
                request, f"{title}: {money(form.amount_cents)}. {woken}".strip(), messages.SUCCESS
            )
        else:
            self.message_user(
                request, "This form was already submitted. No money was moved again.", messages.WARNING
            )
        return True


class ReturnActionAdmin(ConfirmingAdmin):
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.take_back)
        return [
            path("<path:object_id>/return/", view, name="distribution_assignment_return"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        buttons = []
        if request.user.has_perm(TAKE_BACK):
            url = reverse("admin:distribution_assignment_return", args=[object_id])
            buttons = [{"title": "Return and refund", "url": preserve_list_filters(self, request, url)}]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(TAKE_BACK, request=request)
        assignment = self.get_object(request, object_id)
        if assignment is None:
            raise Http404
        form = ShownReasonForm(request.POST or None)
        back = preserve_list_filters(
            self, request, reverse("admin:distribution_assignment_change", args=[assignment.pk])
        )
        if request.method == "POST" and form.is_valid():
            # Before the return: nothing is read after it.
            done = f"{money(charge_left(assignment.pk))} was refunded to {assignment.buyer}."
            try:
                with transaction.atomic():
                    is_new = return_by_hand(
                        assignment,
                        actor=request.user.get_username(),
                        reason=form.cleaned_data["reason"],
                        at=timezone.now(),
                    )
                    done = f"{done} {describe_woken()}".strip()
            except (ActionRefused, MoneyRefused) as refusal:
                form.add_error("reason", f"Nothing was returned: {refusal}.")
            else:
                if not is_new:
                    done = "This sale was already returned. No money was moved again."
                    done = f"{done} {describe_last_change(assignment)}".strip()
                self.message_user(request, done, messages.SUCCESS if is_new else messages.WARNING)
                return HttpResponseRedirect(back)
        is_sold = assignment.state == AssignmentState.SOLD
        left_cents = charge_left(assignment.pk)
        line = f"{assignment.buyer} gets {money(left_cents)} back and the sale counts as returned."
        context = {
            "lines": [line if is_sold else _no_return(assignment)],
            "button": "Return and refund",
            "is_possible": is_sold or bool(form.errors),
            "back": back,
        }
        return self.confirm(request, title=f"Return: {self.title_of(assignment)}", form=form, context=context)


def _no_return(assignment: Assignment) -> str:
    if assignment.state == AssignmentState.RETURNED:
        return "This sale was already returned."
    return "The buyer does not have this lead, so there is nothing to return."
