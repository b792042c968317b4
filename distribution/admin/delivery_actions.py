"""What a person may do with a delivery: decide one without an end, or send it again. Each asks for a reason."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.deliveries.by_hand import DECIDABLE, ResolutionRefused, resend, resolve
from distribution.models import ENDED, Delivery, DeliveryState
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters

RESOLVE: Final = "distribution.resolve_delivery"
BUTTONS: Final = {
    "accepted": ("Accepted", "The buyer has this lead. It is not sent again."),
    "rejected": ("Rejected", "The buyer does not have this lead, or refuses it. It is not sent again."),
    "resend": ("Send again", "It is sent to the same endpoint as soon as possible."),
}
DIRECT: Final = {
    "accepted": "The held price is charged, and the lead counts as sold.",
    "rejected": "The held price is released, and the next buyer is asked. Make sure that the buyer does not have it.",
}


class DeliveryActionsAdmin(ConfirmingAdmin):
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [
            path("<path:object_id>/act/<slug:name>/", view, name="distribution_delivery_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        delivery = self.get_object(request, object_id)
        buttons = []
        if delivery is not None and request.user.has_perm(RESOLVE):
            for name in list_buttons(delivery):
                url = reverse("admin:distribution_delivery_act", args=[delivery.pk, name])
                buttons.append({"title": BUTTONS[name][0], "url": preserve_list_filters(self, request, url)})
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(RESOLVE, request=request)
        delivery = self.get_object(request, object_id)
        if delivery is None or name not in BUTTONS:
            raise Http404
        form = ReasonForm(request.POST or None)
        back = preserve_list_filters(
            self, request, reverse("admin:distribution_delivery_change", args=[delivery.pk])
        )
        if request.method == "POST" and form.is_valid() and self._do(request, delivery, name, form):
            return HttpResponseRedirect(back)
        is_possible = name in list_buttons(delivery) or bool(form.errors)
        context = {
            "lines": _describe(delivery, name, is_possible=is_possible),
            "button": BUTTONS[name][0],
            "is_possible": is_possible,
            "back": back,
        }
        return self.confirm(request, title=f"{BUTTONS[name][0]}: {delivery}", form=form, context=context)

    def _do(self, request: HttpRequest, delivery: Delivery, name: str, form: ReasonForm) -> bool:
        """Returns False when it was refused; the form says why."""
        actor, reason, at = request.user.get_username(), form.cleaned_data["reason"], timezone.now()
        try:
            if name == "resend":
                resend(delivery.pk, at=at, actor=actor, reason=reason)
            else:
                resolve(delivery.pk, state=DeliveryState(name), at=at, actor=actor, reason=reason)
        except ResolutionRefused as refusal:
            form.add_error(None, f"Nothing was changed: {refusal}.")
            return False
        done = "It is sent again." if name == "resend" else f"It is {name}."
        self.message_user(request, done, messages.SUCCESS)
        return True


def list_buttons(delivery: Delivery) -> list[str]:
    decisions = ["accepted", "rejected"] if delivery.state in DECIDABLE else []
    is_fixed = delivery.state == DeliveryState.POSTING or (
        delivery.is_direct_post and delivery.state in ENDED
    )
    return [*decisions, *([] if is_fixed else ["resend"])]


def _describe(delivery: Delivery, name: str, *, is_possible: bool) -> list[str]:
    if not is_possible:
        return [f"It is {DeliveryState(delivery.state).label}. Nothing to do."]
    money = [DIRECT[name]] if delivery.is_direct_post and name in DIRECT else []
    return [BUTTONS[name][1], *money]
