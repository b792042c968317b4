"""The switch on a buyer's page: pause now, resume now. It asks for a reason."""

from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.buyers.pause import SwitchRefused, get_buyer_switch_state, switch_buyer
from distribution.models import Buyer
from routing.admin.waking import show_woken
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.wording import moment

CHANGE_PERMISSION: Final = "distribution.change_buyer"
TITLES: Final = {"pause": "Pause now", "resume": "Resume now"}


class BuyerSwitchForm(ReasonForm):
    """The switch compares `seen` under its lock."""

    asks_again = False


class BuyerSwitchAdmin(ConfirmingAdmin):
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch)
        return [
            path("<path:object_id>/switch/<slug:name>/", view, name="distribution_buyer_switch"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        buyer = self.get_object(request, object_id)
        buttons = list((extra_context or {}).get("action_buttons", []))
        if buyer is not None and request.user.has_perm(CHANGE_PERMISSION):
            for name in reversed(list_switches(buyer)):
                url = reverse("admin:distribution_buyer_switch", args=[buyer.pk, name])
                buttons.insert(0, {"title": TITLES[name], "url": preserve_list_filters(self, request, url)})
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def switch(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(CHANGE_PERMISSION, request=request)
        buyer = self.get_object(request, object_id)
        if buyer is None or name not in TITLES:
            raise Http404
        form = BuyerSwitchForm(request.POST or None, state=get_buyer_switch_state(buyer.paused_at))
        back = preserve_list_filters(
            self, request, reverse("admin:distribution_buyer_change", args=[buyer.pk])
        )
        if request.method == "POST" and form.is_valid() and self._do(request, buyer, name, form):
            return HttpResponseRedirect(back)
        context = {
            "lines": [_line(name, buyer)],
            "button": TITLES[name],
            "is_possible": name in list_switches(buyer) or bool(form.errors),
            "back": back,
        }
        return self.confirm(request, title=f"{TITLES[name]}: {buyer}", form=form, context=context)

    def _do(self, request: HttpRequest, buyer: Buyer, name: str, form: BuyerSwitchForm) -> bool:
        """Returns False when it was refused; the form says why."""
        try:
            with transaction.atomic():
                is_changed = switch_buyer(
                    buyer,
                    to=timezone.now() if name == "pause" else None,
                    actor=request.user.get_username(),
                    reason=form.cleaned_data["reason"],
                    seen=form.cleaned_data["seen"],
                )
                show_woken(self, request)
        except SwitchRefused as refusal:
            form.add_error(None, f"Nothing was changed: {refusal}.")
            return False
        if is_changed:
            done = "is paused" if name == "pause" else "was resumed"
            self.message_user(request, f"{buyer} {done}.", messages.SUCCESS)
        else:
            state = "is already paused" if name == "pause" else "is not paused"
            self.message_user(request, f"{buyer} {state}. Nothing was changed.", messages.WARNING)
        return True


def list_switches(buyer: Buyer) -> list[str]:
    """A pause of the agency may replace one of the buyer, which then cannot resume itself."""
    pause = ["pause"] if buyer.paused_at is None or buyer.is_paused_by_buyer else []
    return [*pause, *(["resume"] if buyer.paused_at is not None else [])]


def _line(name: str, buyer: Buyer) -> str:
    if buyer.paused_at is None:
        stops = "Once paused, it gets no leads from any campaign."
        return stops if name == "pause" else "It is not paused."
    until = "" if buyer.paused_until is None else f" until {moment(buyer.paused_until)}"
    if not buyer.is_paused_by_buyer:
        return f"It has been paused since {moment(buyer.paused_at)}{until}."
    itself = f"It paused itself on {moment(buyer.paused_at)}{until}."
    return f"{itself} If you pause it, it cannot resume itself." if name == "pause" else itself
