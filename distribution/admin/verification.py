"""Leads whose person is verified first: what each waits for, and what an operator can do about it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.lead_actions import attempt
from distribution.admin.lead_search import find_of_lead_or_own
from distribution.admin.switches import Switch, SwitchesAdmin
from distribution.calls.allowing import Refusal
from distribution.calls.by_hand import (
    VerificationAction,
    call_now,
    find_wait_refusal,
    give_up_verification,
    verify_by_hand,
)
from distribution.calls.calling_now import find_refusal_now
from distribution.calls.queue_waits import read_queue_waits
from distribution.explain.call_reasons import explain_queue_wait, explain_reason, read_known
from distribution.explain.types import TracedVerification
from distribution.explain.verification import describe_queue_wait, read_verifications
from distribution.models import (
    OPEN_VERIFICATIONS,
    Verification,
    VerificationState,
)
from routing.leads.actions import Operator
from routing.models import Workspace
from tracing.admin.columns import NOTHING, badge, story_list, time_column
from tracing.admin.confirming import ReasonForm
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED, KeysetChangeList
from tracing.admin.readonly import ReadOnlyAdmin, VocabularyFilter
from tracing.admin.scope import visible_ids
from tracing.call_events import WAIT_REASONS, describe_waiting
from tracing.wording import local_moment, local_second, short_id

VERIFY: Final = "distribution.verify_by_hand"
STATES: Final[Mapping[Any, str]] = dict(VerificationState.choices)
TONES: Final = {
    "waiting": "held",
    "calling": "calling",
    "person": "requested",
    "verified": "success",
    "declined": "declined",
    "unverified": "failed",
}
OPEN: Final = "1"


class NotDone(Exception):
    """Nothing was changed. The message says why."""


def _by_workspace(verifications: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """For states that few have: an index has them in each workspace, so they are found however old they are."""
    if visible_ids(request) is not None:
        return verifications
    return verifications.filter(workspace__in=list(Workspace.objects.values_list("pk", flat=True)))


class OpenVerificationFilter(admin.SimpleListFilter):
    title = "has ended"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(OPEN, "no: the lead waits")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Another value, which only a changed address has, selects all."""
        if self.value() != OPEN:
            return queryset
        return _by_workspace(queryset.filter(state__in=OPEN_VERIFICATIONS), request)


class VerificationStateFilter(VocabularyFilter):
    title = "state"
    parameter_name = "state"
    values = tuple(VerificationState)
    words = STATES

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().queryset(request, queryset)
        return _by_workspace(found, request) if self.value() in OPEN_VERIFICATIONS else found


def _run(verb: Any, pk_of: Any, done: str, row: Verification, form: ReasonForm, actor: str) -> str:
    by = Operator(actor, form.cleaned_data["reason"])
    why = attempt(partial(verb, pk_of(row), at=timezone.now(), by=by))
    if why:
        raise NotDone(why)
    return done


def _call_now(row: Verification, form: ReasonForm, actor: str) -> str:
    """Changes nothing if the person may not be called now."""
    refusal = find_refusal_now(row, at=timezone.now())
    if refusal is not None:
        raise NotDone(_describe_refusal(refusal, row))
    _run(call_now, lambda verification: verification.pk, "", row, form, actor)
    wait = read_queue_waits([row.workspace_id])[row.workspace_id]
    return f"The next call is due now. {describe_queue_wait(wait)}"


def _describe_refusal(refusal: Refusal, row: Verification) -> str:
    place = f" {refusal.place}." if refusal.place else ""
    if refusal.due_at is None:
        change = WAIT_REASONS[refusal.reason].change
        return f"{describe_waiting(refusal.reason)}{place} What would have to change: {change}"
    due_at = local_moment(refusal.due_at, timezone=row.workspace.timezone)
    return f"{describe_waiting(refusal.reason)}{place} A call is possible from {due_at} on"


def _refuse_verifying(row: Verification) -> str:
    return "" if row.state in OPEN_VERIFICATIONS else f"it has ended: {STATES[row.state]}"


def _refuse(action: VerificationAction, row: Verification) -> str:
    return find_wait_refusal(action, row, at=timezone.now())


SWITCHES: Final = {
    "verify": Switch(
        "Verify by hand",
        "The lead is tried at once, as if the person had confirmed it in a call. A call that is out is ended. Only do "
        "so if the person has confirmed the request to you.",
        VERIFY,
        partial(
            _run, verify_by_hand, lambda row: row.lead_id, "The lead was verified by hand, and is due now."
        ),
        _refuse_verifying,
        errors=(NotDone,),
    ),
    "call-now": Switch(
        "Call now",
        "The next call goes out as soon as a line is free. Calling hours, blocked phones and the limit of calls a day "
        "still hold: if one of them forbids a call now, nothing is changed, and the page says which.",
        VERIFY,
        _call_now,
        partial(_refuse, VerificationAction.CALL_NOW),
        errors=(NotDone,),
    ),
    "give-up": Switch(
        "Give up",
        "There is no further call, and the lead fails, whatever its campaign says about leads that are not verified. "
        "You can still verify it by hand later.",
        VERIFY,
        partial(
            _run,
            give_up_verification,
            lambda row: row.pk,
            "The verification was given up. The lead has failed.",
        ),
        partial(_refuse, VerificationAction.GIVE_UP),
        errors=(NotDone,),
    ),
}


class WaitingChangeList(KeysetChangeList):
    """Reads what holds the due leads of the listed workspaces back."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        waiting = {row.workspace_id for row in self.result_list if row.state == VerificationState.WAITING}
        waits, known = read_queue_waits(waiting), read_known(self.result_list)
        for row in self.result_list:
            wait = waits.get(row.workspace_id)
            if wait is not None and wait.has_due(row):
                why = explain_queue_wait(wait)
            else:
                why = explain_reason(row.reason, known[row.pk])
            row.why_now = why.sentence


@admin.register(Verification)
class VerificationAdmin(SwitchesAdmin, ReadOnlyAdmin):
    has_history = True
    switches = SWITCHES
    workspace_path = "workspace"
    list_display = ("opened", "lead_link", "campaign", "state_shown", "short_why", "due_at_shown", "tries")
    list_filter = (OpenVerificationFilter, VerificationStateFilter, WorkspaceFilter)
    list_select_related = ("workspace", "campaign__workspace", "lead__source", "lead__workspace")
    scan_time = "opened_at"
    search_help_text = "Public id of a lead."
    empty_list_text = (
        "A campaign with verification has people called before it sells their leads. All are listed here."
    )
    fields = (
        *("lead_link", "campaign", "state_shown", "why", "next_step", "passes"),
        *("due", "tries", "opened_shown", "ended", "calls", "story"),
    )
    readonly_fields = (
        *("lead_link", "state_shown", "why", "next_step", "passes", "due", "opened_shown", "ended"),
        *("calls", "story"),
    )
    due_at_shown = time_column("due_at", label="next call")
    opened = time_column("opened_at", label="opened")

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:
        """A state has an index in each workspace. In all of them, only the open ones are few."""
        is_of_many = asked.get("state") and asked["state"] not in OPEN_VERIFICATIONS and not asked.get("open")
        return MAX_SCANNED if is_of_many and ids is None else None

    def find_named(self, text: str, *, request: HttpRequest) -> Q:  # noqa: ARG002 - the rows are of this user already
        return find_of_lead_or_own(text)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002
        return WaitingChangeList

    def state_of(self, row: Verification) -> str:
        return f"{row.state}-{row.tries}"

    def title_of(self, row: Verification) -> str:
        return f"Verification of lead {short_id(row.lead.public_id)} in {row.campaign.name}"

    @admin.display(description="lead")
    def lead_link(self, row: Verification) -> SafeString:
        url = reverse("admin:routing_lead_change", args=[row.lead_id])
        return format_html('<a href="{}">{}</a>', url, short_id(row.lead.public_id))

    @admin.display(description="state")
    def state_shown(self, row: Verification) -> SafeString:
        return badge(STATES[row.state], code=TONES.get(row.state, row.state))

    @admin.display(description="why")
    def why(self, row: Verification) -> str:
        return self._explain(row).reason_sentence or NOTHING

    @admin.display(description="why")
    def short_why(self, row: Any) -> SafeString:
        why = row.why_now or NOTHING
        return format_html('<span class="admin-detail">{}</span>', why)

    @admin.display(description="next call from")
    def due(self, row: Verification) -> str:
        return NOTHING if row.due_at is None else local_moment(row.due_at, timezone=row.workspace.timezone)

    @admin.display(description="opened")
    def opened_shown(self, row: Verification) -> str:
        return local_second(row.opened_at, timezone=row.workspace.timezone)

    @admin.display(description="ended")
    def ended(self, row: Verification) -> str:
        return (
            NOTHING if row.ended_at is None else local_moment(row.ended_at, timezone=row.workspace.timezone)
        )

    @admin.display(description="next step")
    def next_step(self, row: Verification) -> str:
        return self._explain(row).next_step or NOTHING

    @admin.display(description="would let it pass")
    def passes(self, row: Verification) -> SafeString | str:
        found = self._explain(row).passes
        return format_html_join("", "<p>{}</p>", ((each,) for each in found)) if found else NOTHING

    @admin.display(description="calls")
    def calls(self, row: Verification) -> SafeString | str:
        lines = [
            (reverse("admin:distribution_call_change", args=[call.id]), call.title, call.sentence)
            for call in self._explain(row).calls
        ]
        line = '<p class="admin-line"><a href="{}">{}</a>: {}</p>'
        return format_html_join("", line, lines) if lines else NOTHING

    @admin.display(description="story")
    def story(self, row: Verification) -> SafeString | str:
        zone = row.workspace.timezone
        lines = [
            (local_second(each.at, timezone=zone), each.sentence, f" ({each.operator})" if each.by else "")
            for each in self._explain(row).story
        ]
        return story_list(lines, name="verification-story")

    def _explain(self, row: Any) -> TracedVerification:
        """Read once for a page."""
        if not hasattr(row, "explained"):
            found = read_verifications(row.lead, results=["gated"], workspace_id=row.workspace_id)
            row.explained = next(each for each in found if each.verification_id == row.public_id)
        explained: TracedVerification = row.explained
        return explained
