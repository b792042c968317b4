"""Buttons on the page of a source: set its contract, book a payment, adjust what it is owed. Each asks for a reason."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.dollars import LARGE_SUMS
from distribution.admin.money_actions import MoneyForm
from distribution.admin.payable_forms import ContractForm
from distribution.payables.book import (
    PayableRefused,
    book_adjustment,
    book_payment,
    last_by_hand,
    read_balance,
)
from distribution.payables.contracts import ContractRefused, add_contract, find_newest, today_of
from routing.models import Source
from tracing.admin.confirming import ConfirmingAdmin, preserve_list_filters
from tracing.wording import money

SET_CONTRACT: Final = "distribution.add_sourcecontract"
BOOK: Final = "distribution.add_payableentry"
SEE: Final = "distribution.view_payableentry"
BOOKINGS: Final[Mapping[str, tuple[str, str, Callable[..., bool]]]] = {
    "pay": ("Book payment", "Records that you paid the source. It moves no money by itself.", book_payment),
    "adjust": (
        "Adjust what is owed",
        "Corrects what is owed: 12.50 adds $12.50, -12.50 subtracts $12.50.",
        book_adjustment,
    ),
}


class PayableActionsAdmin(ConfirmingAdmin):
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        contract, booking = (self.admin_site.admin_view(view) for view in (self.set_contract, self.book))
        return [
            path("<path:object_id>/contract/", contract, name="routing_source_contract"),
            path("<path:object_id>/payables/<slug:name>/", booking, name="routing_source_payables"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        buttons = [
            {"title": title, "url": preserve_list_filters(self, request, url)}
            for title, url, permission in _list_buttons(object_id)
            if request.user.has_perm(permission)
        ]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def set_contract(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = self._find(request, object_id, permission=SET_CONTRACT)
        newest = find_newest(source)
        form = ContractForm(
            request.POST or None,
            state=str(newest.pk if newest else 0),
            initial={"valid_from": today_of(source, at=timezone.now())},
        )
        back = self._back(request, source)
        if request.method == "POST" and form.is_valid() and self._add(request, source, form):
            return HttpResponseRedirect(back)
        now = (
            f"The newest version: {newest}."
            if newest
            else "The source has no contract, so it is owed nothing."
        )
        lines = [now, "The new version applies to later sales. Earlier sales keep the version that they had."]
        context = {"lines": lines, "button": "Set contract", "is_possible": True, "back": back}
        return self.confirm(request, title=f"Set contract: {source}", form=form, context=context)

    def _add(self, request: HttpRequest, source: Source, form: ContractForm) -> bool:
        try:
            contract = add_contract(
                source,
                form.terms,
                actor=request.user.get_username(),
                reason=form.cleaned_data["reason"],
            )
        except ContractRefused as refusal:
            form.add_error(None, f"The contract was not changed: {refusal}.")
            return False
        self.message_user(request, f"Contract: {contract}.", messages.SUCCESS)
        return True

    def book(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        source = self._find(request, object_id, permission=BOOK)
        if name not in BOOKINGS:
            raise Http404
        title, line, _ = BOOKINGS[name]
        form = MoneyForm(
            request.POST or None,
            state=last_by_hand(source),
            may_move_large_sums=request.user.has_perm(LARGE_SUMS),
        )
        back = self._back(request, source)
        if request.method == "POST" and form.is_valid() and self._book(request, source, name, form):
            return HttpResponseRedirect(back)
        now = f"{source} is now owed {money(read_balance(source.pk))}."
        context = {"lines": [line, now], "button": title, "is_possible": True, "back": back}
        return self.confirm(request, title=f"{title}: {source}", form=form, context=context)

    def _book(self, request: HttpRequest, source: Source, name: str, form: MoneyForm) -> bool:
        title, _, book = BOOKINGS[name]
        try:
            is_new = book(
                source,
                amount_cents=form.amount_cents,
                token=form.cleaned_data["token"],
                actor=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                seen=form.cleaned_data["seen"],
            )
        except PayableRefused as refusal:
            form.add_error("amount", f"Nothing was booked: {refusal}.")
            return False
        if is_new:
            self.message_user(request, f"{title}: {money(form.amount_cents)}.", messages.SUCCESS)
        else:
            text = "This form was already submitted. Nothing was booked again."
            self.message_user(request, text, messages.WARNING)
        return True

    def _find(self, request: HttpRequest, object_id: str, *, permission: str) -> Source:
        self.require(permission, request=request)
        source: Source | None = self.get_object(request, object_id)
        if source is None:
            raise Http404
        return source

    def _back(self, request: HttpRequest, source: Source) -> str:
        url = reverse("admin:routing_source_change", args=[source.pk])
        return preserve_list_filters(self, request, url)


def _list_buttons(object_id: str) -> list[tuple[str, str, str]]:
    return [
        ("Statement", reverse("admin:routing_source_statement", args=[object_id]), SEE),
        ("Set contract", reverse("admin:routing_source_contract", args=[object_id]), SET_CONTRACT),
        *(
            (title, reverse("admin:routing_source_payables", args=[object_id, name]), BOOK)
            for name, (title, _, _) in BOOKINGS.items()
        ),
    ]
