"""What an operator does with leads, one or many at once: run again, pause, resume, give up, cancel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from django.contrib import messages
from django.db import Error, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.attempts.assign_by_hand import OPEN
from distribution.calls.by_hand import VerificationAction, find_refusal, verify_by_hand
from routing.leads import page_version
from routing.leads.actions import (
    ActionRefused,
    Operator,
    cancel_lead,
    give_up_lead,
    pause_lead,
    rerun_lead,
    resume_lead,
)
from routing.leads.refusals import Action, refusal_reason
from routing.models import Lead, RetryingLead
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.admin.list_actions import ListAction, Selection, list_action
from tracing.admin.scope import ScopedAdmin
from tracing.locks import is_lock_timeout
from tracing.parsing import parse_id
from tracing.wording import count

PERMISSION: Final = "routing.change_lead"
VERIFY: Final = "distribution.verify_by_hand"
MAX_AT_ONCE: Final = 500
LISTS: Final = {model._meta.model_name: model for model in (Lead, RetryingLead)}
ALREADY: Final = "nothing to change"
BUSY: Final = "it is being processed right now. Try again in a moment"


class RunAction(Protocol):
    def __call__(self, lead_id: int, *, at: datetime, by: Operator) -> bool: ...


@dataclass(frozen=True, slots=True)
class LeadAction:
    """What pages say about an action: its title, what will be done to the leads, and what they are afterwards."""

    action: Action | VerificationAction
    title: str
    will: str
    done: str
    run: RunAction
    button: str = ""  # for a title that could be mistaken for leaving the page
    permission: str = PERMISSION

    def refusal_reason(self, lead: Lead, *, at: datetime) -> str:
        if isinstance(self.action, VerificationAction):
            return find_refusal(lead, at=at)
        return refusal_reason(self.action, lead, at=at)


ACTIONS: Final = {
    each.action.value: each
    for each in (
        LeadAction(
            Action.RERUN,
            "Run again",
            "tried again now, under the same rules as a first attempt",
            "due now",
            rerun_lead,
        ),
        LeadAction(
            Action.PAUSE,
            "Pause",
            "paused and not tried until an operator chooses Resume. Due times are kept",
            "paused",
            pause_lead,
        ),
        LeadAction(
            Action.RESUME,
            "Resume",
            "resumed. Leads that are already due are tried at once",
            "resumed",
            resume_lead,
        ),
        LeadAction(
            Action.GIVE_UP,
            "Give up",
            "marked as failed, with the reason of the last attempt. They can still be run again",
            "given up",
            give_up_lead,
        ),
        LeadAction(
            Action.CANCEL,
            "Cancel",
            "canceled and will not be sold. The source can see the reason. This cannot be undone",
            "canceled",
            cancel_lead,
            button="Cancel for good",
        ),
        LeadAction(
            VerificationAction.VERIFY,
            "Verify by hand",
            "verified on your word and tried at once. Calls that are out are ended. Only do so if the person has "
            "confirmed the request to you",
            "verified by hand",
            verify_by_hand,
            permission=VERIFY,
        ),
    )
}


def _act_url(page: ScopedAdmin, name: str, ids: Sequence[int]) -> str:
    query = urlencode({"ids": ",".join(map(str, ids)), "list": page.opts.model_name})
    return f"{reverse('admin:routing_lead_act', args=[name])}?{query}"


SELECTION: Final = Selection("leads", permission="operate", most=MAX_AT_ONCE, url=_act_url)
VERIFYING: Final = replace(SELECTION, permission="verify")


def list_lead_action(name: str, *, title: str = "") -> ListAction:
    action = ACTIONS[name]
    selection = VERIFYING if action.permission == VERIFY else SELECTION
    return list_action(name, title=title or action.title, selection=selection)


class LeadsForm(ReasonForm):
    """`seen` has the state of each lead; those that changed are refused one by one, under their locks."""

    asks_again = False

    def seen_states(self) -> dict[int, str]:
        pairs = (each.partition(":") for each in self.cleaned_data["seen"].split(",") if each)
        return {int(pk): state for pk, _, state in pairs if parse_id(pk) is not None}


class OperatorAdmin(ScopedAdmin):
    """A list of leads on which operators act."""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def has_verify_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERIFY)


class LeadActionsAdmin(ConfirmingAdmin, OperatorAdmin):
    """The buttons of a lead's page and the actions of the list."""

    actions: Any = tuple(map(list_lead_action, ACTIONS))
    change_form_template = "admin/leadswitch/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("act/<slug:name>/", view(self.act), name="routing_lead_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        lead = self.get_object(request, object_id)
        buttons = [] if lead is None else self._buttons(request, lead)
        for each in buttons:
            each["url"] = preserve_list_filters(self, request, each["url"])
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": buttons}
        )

    def _buttons(self, request: HttpRequest, lead: Lead) -> list[dict[str, str]]:
        """Only actions that are possible now, and allowed to this person."""
        at = timezone.now()
        found = [
            {"title": action.title, "url": f"{reverse('admin:routing_lead_act', args=[name])}?ids={lead.pk}"}
            for name, action in ACTIONS.items()
            if self._may(request, action) and not action.refusal_reason(lead, at=at)
        ]
        if lead.status in OPEN and self.has_operate_permission(request):
            found.append(
                {"title": "Assign to a buyer", "url": reverse("admin:routing_lead_assign", args=[lead.pk])}
            )
        return found

    def _may(self, request: HttpRequest, action: LeadAction) -> bool:
        is_verifying = action.permission == VERIFY
        return self.has_verify_permission(request) if is_verifying else self.has_operate_permission(request)

    def act(self, request: HttpRequest, name: str) -> HttpResponse:
        action = ACTIONS.get(name)
        self.require(PERMISSION if action is None else action.permission, request=request)
        if action is None:
            raise Http404
        leads = self._leads(request)
        form = LeadsForm(
            request.POST or None, state=",".join(f"{lead.pk}:{page_version.of_lead(lead)}" for lead in leads)
        )
        back = self.back_to(request, leads)
        if request.method == "POST" and form.is_valid():
            self._act_on(request, action, leads, form=form)
            return HttpResponseRedirect(back)
        at = timezone.now()
        refused = [(lead, why) for lead in leads if (why := action.refusal_reason(lead, at=at))]
        able = len(leads) - len(refused)
        title = f"{action.title}: {count(len(leads), 'lead')}"
        lines = [f"{count(able, 'lead')} will be {action.will}."] if able else ["Nothing to do."]
        context = {
            "lines": lines,
            "refused": [(self.title_of(lead), why) for lead, why in refused],
            "button": action.button or action.title,
            "is_possible": able > 0,
            "back": back,
        }
        return self.confirm(request, title=title, form=form, context=context)

    def _leads(self, request: HttpRequest) -> Sequence[Lead]:
        """Return all of them or none. A lead that the user may not see counts as missing."""
        ids = {parse_id(text) for text in request.GET.get("ids", "").split(",")}
        if None in ids or len(ids) > MAX_AT_ONCE:
            raise Http404
        leads = list(self.get_queryset(request).filter(pk__in=ids).order_by("pk"))
        if len(leads) != len(ids):
            raise Http404
        return leads

    def back_to(self, request: HttpRequest, leads: Sequence[Lead]) -> str:
        """The filtered list that the leads were chosen from; without one, the page of a single lead."""
        chosen = LISTS.get(request.GET.get("list", ""))
        if chosen is None and len(leads) == 1:
            return preserve_list_filters(
                self, request, reverse("admin:routing_lead_change", args=[leads[0].pk])
            )
        opts = (chosen or Lead)._meta
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        return preserve_list_filters(self, request, url, opts=opts)

    def _act_on(
        self, request: HttpRequest, action: LeadAction, leads: Sequence[Lead], *, form: LeadsForm
    ) -> None:
        at, reason, seen = timezone.now(), form.cleaned_data["reason"], form.seen_states()
        done: list[int] = []
        refused: list[str] = []
        for lead in leads:
            by = Operator(request.user.get_username(), reason, seen.get(lead.pk, ""))
            try:
                why = attempt(partial(action.run, lead.pk, at=at, by=by))
            except Error as error:
                # The earlier leads are committed and must be reported.
                left = len(leads) - len(done) - len(refused) - 1
                refused.append(_describe_end(self.title_of(lead), error, left=left))
                break
            if why:
                refused.append(f"{self.title_of(lead)}: {why}")
            else:
                done.append(lead.pk)
        if done:
            self.message_user(request, f"{count(len(done), 'lead')}: {action.done}.", messages.SUCCESS)
        for text in refused[:20]:
            self.message_user(request, text, messages.ERROR)


def attempt(action: Callable[[], bool]) -> str:
    """Do an action on a lead. Returns why nothing was done, "" when it was done."""
    try:
        return "" if action() else ALREADY
    except ActionRefused as refusal:
        return str(refusal)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        return BUSY


def _describe_end(lead: str, error: Error, *, left: int) -> str:
    """Why the action stopped midway. The lead's change may be stored, because the commit itself may have failed."""
    further = f" {count(left, 'more lead was', 'more leads were')} not tried." if left else ""
    return f"{lead}: a database error occurred ({type(error).__name__}). Check the lead before you try again.{further}"
