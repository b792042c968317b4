"""What a person may do with deliveries: decide those without an end, or send them again. One or many, with a reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.dollars import DollarField
from distribution.deliveries.by_hand import (
    DECIDABLE,
    ResolutionRefused,
    find_newest,
    is_unsettled,
    resend,
    resolve,
    settle_late,
)
from distribution.models import ENDED, AssignmentState, Delivery, DeliveryState
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.admin.list_actions import Selection, list_action
from tracing.parsing import parse_id
from tracing.wording import count, money

RESOLVE: Final = "distribution.resolve_delivery"
MAX_AT_ONCE: Final = 100
MAX_REASONS: Final = 20


@dataclass(frozen=True, slots=True)
class DeliveryAction:
    """`line`: what it does. `direct`: what it does to the sale of a direct post. `done`: what pages say afterwards.

    `{what}` is how many deliveries or direct posts.
    """

    title: str
    line: str
    direct: str
    done: str


ACTIONS: Final[Mapping[str, DeliveryAction]] = {
    "resend": DeliveryAction(
        "Send again", "{what} will be sent again to the same endpoint as soon as possible.", "", "sent again"
    ),
    "accepted": DeliveryAction(
        "Decide: accepted",
        "{what} will end as accepted: the buyer has the lead. It is not sent again.",
        "{what}: the held price is charged, and the lead counts as sold.",
        "accepted",
    ),
    "rejected": DeliveryAction(
        "Decide: rejected",
        "{what} will end as rejected: the buyer does not have the lead, or refuses it. It is not sent again.",
        "{what}: the held price is released, and the next buyer is asked. Make sure that the buyer does not have it.",
        "rejected",
    ),
    "settled": DeliveryAction(
        "Mark as settled",
        "{what}: you settled the late acceptance with the buyer. manage.py verify no longer reports it. "
        "The sale and its money stay as they are.",
        "",
        "settled",
    ),
}
PART: Final = (
    "Only if you agreed with the buyer on less than {held}, which is held: what to charge. The rest is free again."
    " Blank: all of it."
)
NEW_MESSAGE: Final = "This page shows the new message."
TWICE: Final = "{ended} already ended: the buyer gets a new message, and may get the same lead twice."


def act_url(name: str, *ids: int) -> str:
    return f"{reverse('admin:distribution_delivery_act', args=[name])}?ids={','.join(map(str, ids))}"


SELECTION: Final = Selection(
    "deliveries", permission="resolve", most=MAX_AT_ONCE, url=lambda _, name, ids: act_url(name, *ids)
)


class AcceptForm(ReasonForm):
    """Of one direct post, whose price is held."""

    charge = DollarField(label="Charge ($)", required=False)

    def __init__(self, *args: Any, held_cents: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held_cents = held_cents
        self["charge"].help_text = PART.format(held=money(held_cents))

    def clean_charge(self) -> int | None:
        cents: int | None = self.cleaned_data["charge"]
        if cents is not None and cents > self.held_cents:
            message = f"Only {money(self.held_cents)} is held. Enter at most this amount, or leave it blank."
            raise ValidationError(message)
        return cents


class DeliveryActionsAdmin(ConfirmingAdmin):
    """The buttons of a delivery's page, and the actions of the list."""

    change_form_template = "admin/leadswitch/change_form.html"
    actions: Any = tuple(
        list_action(name, title=action.title, selection=SELECTION) for name, action in ACTIONS.items()
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [path("act/<slug:name>/", view, name="distribution_delivery_act"), *super().get_urls()]

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm(RESOLVE)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        delivery = self.get_object(request, object_id)
        buttons = []
        if delivery is not None and self.has_resolve_permission(request):
            for name in list_buttons(delivery):
                url = preserve_list_filters(self, request, act_url(name, delivery.pk))
                buttons.append({"title": f"{ACTIONS[name].title}…", "url": url})
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def act(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require(RESOLVE, request=request)
        if name not in ACTIONS:
            raise Http404
        rows = self._rows(request)
        newest = {row.pk: find_newest(row).pk for row in rows} if name == "resend" else {}
        form = _make_form(request, name, rows, state=",".join(map(str, newest.values())))
        if request.method == "POST" and form.is_valid():
            ids = [row.pk for row in rows]
            refused, changed = self._do(request, name, newest or dict.fromkeys(ids), form)
            if len(rows) > 1 or not refused:
                return HttpResponseRedirect(self._back(request, ids if len(ids) > 1 else changed))
            form.add_error(None, f"Nothing was changed: {next(iter(refused))}.")
        return self._ask(request, name, rows, form)

    def _rows(self, request: HttpRequest) -> Sequence[Delivery]:
        """Return all of them or none. A delivery that the user may not see counts as missing."""
        ids = {parse_id(text) for text in request.GET.get("ids", "").split(",")}
        if None in ids or len(ids) > MAX_AT_ONCE:
            raise Http404
        rows = list(self.get_queryset(request).filter(pk__in=ids).order_by("pk"))
        if len(rows) != len(ids):
            raise Http404
        return rows

    def _ask(
        self, request: HttpRequest, name: str, rows: Sequence[Delivery], form: ReasonForm
    ) -> HttpResponse:
        able = [row for row in rows if name in list_buttons(row)]
        whose = self.title_of(rows[0]) if len(rows) == 1 else count(len(rows), "delivery", "deliveries")
        context = {
            "lines": _describe(name, able),
            "refused": [(self.title_of(row), explain_refusal(name, row)) for row in rows if row not in able],
            "button": ACTIONS[name].title,
            "is_possible": bool(able) or bool(form.errors),
            "back": self._back(request, [row.pk for row in rows]),
        }
        return self.confirm(request, title=f"{ACTIONS[name].title}: {whose}", form=form, context=context)

    def _do(
        self, request: HttpRequest, name: str, rows: Mapping[int, int | None], form: ReasonForm
    ) -> tuple[Counter[str], Sequence[int]]:
        """Each in its own transaction. Returns why some were refused, how many for each reason, and the others' ids.

        `rows`: the newest message of each, by id. What is sent as a new message is returned in place of the old one.
        """
        refused, changed = Counter[str](), list[int]()
        actor, entered = request.user.get_username(), form.cleaned_data
        for delivery_id, newest_id in rows.items():
            try:
                changed.append(run(name, delivery_id, newest_id=newest_id, actor=actor, entered=entered))
            except ResolutionRefused as refusal:
                refused[str(refusal)] += 1
        if changed:
            line = f"{count(len(changed), 'delivery is', 'deliveries are')} {ACTIONS[name].done}."
            is_new = len(rows) == 1 and changed[0] not in rows
            self.message_user(request, f"{line} {NEW_MESSAGE}" if is_new else line, messages.SUCCESS)
        if len(rows) > 1:
            self._show_refused(request, refused)
        return refused, changed

    def _show_refused(self, request: HttpRequest, refused: Counter[str]) -> None:
        for why, number in refused.most_common(MAX_REASONS):
            line = f"{count(number, 'delivery was', 'deliveries were')} refused: {why}."
            self.message_user(request, line, messages.ERROR)

    def _back(self, request: HttpRequest, ids: Sequence[int]) -> str:
        """The list, or the page of the only one."""
        name, of = ("changelist", []) if len(ids) > 1 else ("change", ids)
        return preserve_list_filters(self, request, reverse(f"admin:distribution_delivery_{name}", args=of))


def _make_form(request: HttpRequest, name: str, rows: Sequence[Delivery], *, state: str) -> ReasonForm:
    sale = rows[0].assignment if name == "accepted" and len(rows) == 1 else None
    if sale is not None and sale.state == AssignmentState.HELD and not sale.is_test:
        return AcceptForm(request.POST or None, state=state, held_cents=sale.price_cents)
    return ReasonForm(request.POST or None, state=state)


def run(name: str, delivery_id: int, *, newest_id: int | None, actor: str, entered: Mapping[str, Any]) -> int:
    """Returns the id of the delivery to look at afterwards. Raises ResolutionRefused."""
    at, reason = timezone.now(), entered["reason"]
    if name == "resend":
        return resend(delivery_id, at=at, actor=actor, reason=reason, newest_id=newest_id).pk
    if name == "settled":
        settle_late(delivery_id, at=at, actor=actor, reason=reason)
    else:
        charge_cents = entered.get("charge")
        state = DeliveryState(name)
        resolve(delivery_id, state=state, at=at, actor=actor, reason=reason, charge_cents=charge_cents)
    return delivery_id


def explain_refusal(name: str, row: Delivery) -> str:
    """Why the list of what is worth asking for lacks the action."""
    state = f"it is {DeliveryState(row.state).label}"
    is_decided = name == "resend" and row.is_direct_post and row.state in ENDED
    return f"{state}, and its answer decided about the sale" if is_decided else state


def list_buttons(delivery: Delivery) -> list[str]:
    """What is worth asking for. The use case checks it under its locks."""
    decisions = ["accepted", "rejected"] if delivery.state in DECIDABLE else []
    is_fixed = delivery.state == DeliveryState.POSTING or (
        delivery.is_direct_post and delivery.state in ENDED
    )
    settled = ["settled"] if is_unsettled(delivery) else []
    return [*decisions, *settled, *([] if is_fixed else ["resend"])]


def _describe(name: str, rows: Sequence[Delivery]) -> list[str]:
    if not rows:
        return ["Nothing to do."]
    action, direct = ACTIONS[name], sum(row.is_direct_post for row in rows)
    lines = [action.line.format(what=count(len(rows), "delivery", "deliveries"))]
    if direct and action.direct:
        lines.append(action.direct.format(what=count(direct, "direct post")))
    ended = sum(row.ended_at is not None for row in rows)
    if name == "resend" and ended:
        lines.append(TWICE.format(ended=count(ended, "delivery has", "deliveries have")))
    return lines
