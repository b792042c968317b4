"""What an operator does with returns: approve and decline, one or many, each after a page that asks for a reason.

A decision leads to the next return that waits, so that a queue is worked off with the keyboard alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.admin.dollars import DollarField
from distribution.admin.shown_reason import ShownReasonForm
from distribution.models import ReturnRequest, ReturnState
from distribution.money.movement import MoneyRefused
from distribution.money.wallet import charge_left
from distribution.returns.decide import Decision, approve_return, decline_return, find_part
from distribution.returns.refusals import ReturnRefused
from routing.dispatch.wakeups import describe_woken
from tracing.admin.confirming import ConfirmingAdmin, preserve_list_filters
from tracing.admin.list_actions import Selection, list_action
from tracing.parsing import parse_id
from tracing.wording import count, money

DECIDE: Final = "distribution.change_returnrequest"
MAX_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class ReturnAction:
    """`key`: presses its button. `done`: what pages say afterwards."""

    title: str
    key: str
    done: str
    run: Callable[[int, Decision], bool]


ACTIONS: Final = {
    "approve": ReturnAction("Approve and refund", "a", "approved and refunded", approve_return),
    "decline": ReturnAction("Decline", "d", "declined", decline_return),
}


class DecisionForm(ShownReasonForm):
    asks_again = False


class ApprovalForm(DecisionForm):
    field_order = ("reason", "amount")
    amount = DollarField(
        label="Amount in dollars",
        required=False,
        help_text="Blank: as asked. Less than what is left of the charge: the buyer keeps the lead. All that is left:"
        " the lead is taken back.",
    )


def _act_url(_: object, name: str, ids: Sequence[int]) -> str:
    return f"{reverse('admin:distribution_returnrequest_act', args=[name])}?ids={','.join(map(str, ids))}"


SELECTION: Final = Selection("returns", permission="decide", most=MAX_AT_ONCE, url=_act_url)


class ReturnActionsAdmin(ConfirmingAdmin):
    """The buttons of a return's page, their keys, and the actions of the list."""

    actions: Any = tuple(
        list_action(name, title=action.title, selection=SELECTION) for name, action in ACTIONS.items()
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("act/<slug:name>/", view(self.act), name="distribution_returnrequest_act"),
            path("next/", view(self.open_next), name="distribution_returnrequest_next"),
            *super().get_urls(),
        ]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm(DECIDE)

    def act(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require(DECIDE, request=request)
        if name not in ACTIONS:
            raise Http404
        rows = self._rows(request)
        form = self._form(request, name, rows)
        if request.method == "POST" and form.is_valid():
            refused = self._decide(request, name, rows, form)
            if len(rows) > 1 or not refused:
                return HttpResponseRedirect(self._after(request, rows))
            form.add_error(None, f"Nothing was changed: {refused[0]}.")
        return self._ask(request, name, rows, form)

    def open_next(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the return that has waited longest; after `?after=`, to the next one."""
        self.require("distribution.view_returnrequest", request=request)
        side = "after" if "before" not in request.GET else "before"
        found = self.find_neighbor(request, parse_id(request.GET.get(side, "")), side=side)
        if found is None:
            self.message_user(request, "No other return waits for review.", messages.INFO)
            return HttpResponseRedirect(reverse("admin:distribution_returnrequest_changelist"))
        return HttpResponseRedirect(reverse("admin:distribution_returnrequest_change", args=[found]))

    def find_neighbor(self, request: HttpRequest, from_id: int | None, *, side: str) -> int | None:
        """Return the id of the nearest open return, by age. `from_id` None: the oldest one."""
        open_rows = self.scope(ReturnRequest.objects.filter(state=ReturnState.REQUESTED), request=request)
        if from_id is not None:
            open_rows = open_rows.filter(**{"pk__gt" if side == "after" else "pk__lt": from_id})
        found: int | None = (
            open_rows.order_by("pk" if side == "after" else "-pk").values_list("pk", flat=True).first()
        )
        return found

    def _rows(self, request: HttpRequest) -> Sequence[ReturnRequest]:
        """Return all of them or none. A return that the user may not see counts as missing."""
        ids = {parse_id(text) for text in request.GET.get("ids", "").split(",")}
        if None in ids or len(ids) > MAX_AT_ONCE:
            raise Http404
        rows = list(self.get_queryset(request).filter(pk__in=ids).order_by("pk"))
        if len(rows) != len(ids):
            raise Http404
        return rows

    def _form(self, request: HttpRequest, name: str, rows: Sequence[ReturnRequest]) -> DecisionForm:
        kind = ApprovalForm if name == "approve" and len(rows) == 1 else DecisionForm
        return kind(request.POST or None)

    def _ask(
        self, request: HttpRequest, name: str, rows: Sequence[ReturnRequest], form: DecisionForm
    ) -> HttpResponse:
        action, refused = ACTIONS[name], [row for row in rows if row.state != ReturnState.REQUESTED]
        able = [row for row in rows if row.state == ReturnState.REQUESTED]
        title = f"{action.title}: {self.title_of(rows[0]) if len(rows) == 1 else count(len(rows), 'return')}"
        context = {
            "lines": [_describe(name, able)],
            "refused": [(self.title_of(row), f"it is already {row.get_state_display()}") for row in refused],
            "button": action.title,
            "is_possible": bool(able),
            "back": self._back(request, rows),
        }
        return self.confirm(request, title=title, form=form, context=context)

    def _decide(
        self, request: HttpRequest, name: str, rows: Sequence[ReturnRequest], form: DecisionForm
    ) -> list[str]:
        """Each in its own transaction. Returns why the others were refused."""
        done, refused, woken = 0, [], ""
        for row in rows:
            try:
                with transaction.atomic():
                    done += ACTIONS[name].run(row.pk, self._decision(request, form))
                    woken = describe_woken() or woken
            except (ReturnRefused, MoneyRefused) as refusal:
                refused.append(str(refusal) if len(rows) == 1 else f"{self.title_of(row)}: {refusal}")
        if done:
            line = f"{count(done, 'return')} {ACTIONS[name].done}. {woken}".strip()
            self.message_user(request, line, messages.SUCCESS)
        elif not refused:
            self.message_user(request, "This was already done. No money was moved again.", messages.WARNING)
        if len(rows) > 1:
            for text in refused[:20]:
                self.message_user(request, text, messages.ERROR)
        return refused

    def _decision(self, request: HttpRequest, form: DecisionForm) -> Decision:
        amount_cents = form.cleaned_data.get("amount")
        return Decision(
            request.user.get_username(),
            timezone.now(),
            form.cleaned_data["reason"],
            amount_cents=amount_cents,
        )

    def _after(self, request: HttpRequest, rows: Sequence[ReturnRequest]) -> str:
        """One return: the next one that waits, or the list. Many: the list that they were chosen from."""
        if len(rows) == 1:
            found = self.find_neighbor(request, rows[0].pk, side="after") or self.find_neighbor(
                request, None, side="after"
            )
            if found is not None:
                return reverse("admin:distribution_returnrequest_change", args=[found])
        return preserve_list_filters(self, request, reverse("admin:distribution_returnrequest_changelist"))

    def _back(self, request: HttpRequest, rows: Sequence[ReturnRequest]) -> str:
        name = "changelist" if len(rows) > 1 else "change"
        ids = [] if len(rows) > 1 else [rows[0].pk]
        url = reverse(f"admin:distribution_returnrequest_{name}", args=ids)
        return preserve_list_filters(self, request, url)


def _describe(name: str, rows: Sequence[ReturnRequest]) -> str:
    if not rows:
        return "Nothing to do."
    if name == "decline":
        return f"{count(len(rows), 'return')} will be declined. No money is moved. The buyer sees the reason."
    parts = [find_part(row, amount_cents=None) for row in rows]
    cents = sum(
        charge_left(row.assignment_id) if part is None else part
        for row, part in zip(rows, parts, strict=True)
    )
    full = parts.count(None)
    taken = f" {count(full, 'lead is', 'leads are')} taken back." if full else " The buyer keeps the lead."
    return f"{count(len(rows), 'return')} will be approved: {money(cents)} is refunded.{taken}"
