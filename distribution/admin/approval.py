"""Changes that buyers ask for: which need approval, and the queue of those that wait, with difference and effect."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from distribution.admin.buyer import BuyerAdmin, EnrollmentAdmin
from distribution.configuration.describe import describe_service_area
from distribution.engine.area import describe_area
from distribution.models import (
    ApprovalPolicy,
    ApprovedField,
    Buyer,
    ChangeProposal,
    Enrollment,
    ProposalState,
)
from distribution.selfservice.approvals import (
    DecisionRefused,
    Difference,
    approve,
    decline,
    describe_difference,
)
from distribution.selfservice.author import Author
from distribution.selfservice.effect import Effect
from distribution.selfservice.refusals import ChangeRefused, FieldsRefused
from distribution.selfservice.whatif import PARTS_OF_BUYER, Proposed, assess_change
from distribution.slow_work import TooBusy
from tracing.admin.audited import REASON, AuditedAdmin
from tracing.admin.columns import time_column, word_column
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.history import describe_field
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.parsing import parse_uuid
from tracing.wording import count, money

DECIDE: Final = "distribution.change_changeproposal"
TITLES: Final = {"approve": "Approve", "decline": "Decline"}
WITHOUT_EFFECT: Final = frozenset({"name", "contact"})
NOT_TRIED: Final = "None: no decision about a lead reads a name or a contact."
NOT_COUNTED: Final = "Not counted now: another change is being tried. Load this page again in a moment."
DESCRIBERS: Final[dict[str, Any]] = {
    **BuyerAdmin.describers,
    **EnrollmentAdmin.describers,
    "service_area": lambda area: f"{describe_area(area)} ({describe_service_area(area)})",
}
PER_PERIOD: Final = frozenset({"caps", "budgets_cents"})
DONE: Final = {"approve": "The change was made.", "decline": "The change was declined."}


@admin.register(ApprovalPolicy)
class ApprovalPolicyAdmin(AuditedAdmin):
    workspace_path = "workspace"
    owner_fields = ("workspace",)
    list_display = ("workspace", "needing")
    list_select_related = ("workspace",)
    empty_list_text = (
        "Buyers change their accounts at once, except for their name. Add a policy to approve more first."
    )
    ordering = ("workspace__name",)
    fields = ("workspace", "fields", REASON)

    @admin.display(description="needs approval")
    def needing(self, policy: ApprovalPolicy) -> str:
        names = [ApprovedField(each).label for each in policy.fields]
        return ", ".join(["name", *names])

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Boxes to check."""
        if db_field.name != "fields":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return forms.MultipleChoiceField(
            choices=ApprovedField.choices,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            label="Needs approval",
            help_text=db_field.help_text,
        )


@admin.register(ChangeProposal)
class ChangeProposalAdmin(ConfirmingAdmin, ReadOnlyAdmin):
    """Read-only. Two buttons decide, after a page that shows what would change and what it would have won."""

    workspace_path = "buyer__workspace"
    list_display = ("buyer", "what", "standing", "asked", "asked_by", "decided_by")
    list_filter = ("state", WorkspaceFilter)
    list_select_related = ("buyer__workspace", "enrollment__campaign")
    exact_searches: ClassVar[Any] = {"public_id": parse_uuid}
    search_help_text = "Public id of the change."
    empty_list_text = "Changes of buyers that need approval wait here for your decision."
    change_form_template = "admin/leadswitch/change_form.html"
    fields = (
        *("buyer", "enrollment", "what", "standing", "difference", "effect"),
        *("asked", "asked_by", "decided", "decided_by", "decision_reason", "public_id"),
    )
    readonly_fields: ClassVar[Any] = fields
    asked = time_column("asked_at", label="asked")
    decided = time_column("decided_at", label="decided")
    standing = word_column("state", words=dict(ProposalState.choices), label="state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists decrypt nothing."""
        return super().get_queryset(request).defer("patch")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """The form is read-only. The permission is that of the buttons (DECIDE)."""
        return False

    @admin.display(description="change")
    def what(self, proposal: ChangeProposal) -> str:
        return ", ".join(map(name_change, proposal.fields))

    def title_of(self, row: ChangeProposal) -> str:
        return f"Change of {row.buyer.name}: {self.what(row)}"

    @admin.display(description="difference")
    def difference(self, proposal: ChangeProposal) -> str | SafeString:
        """From what is stored now. A decided change is in the buyer's history."""
        if proposal.state != ProposalState.WAITING:
            return "It no longer waits. The buyer's history shows what was changed."
        rows = list(describe_rows(proposal, at=timezone.now()))
        return format_html_join("", "<p><strong>{}</strong>: {}</p>", rows)

    @admin.display(description="effect")
    def effect(self, proposal: ChangeProposal) -> str:
        if proposal.state != ProposalState.WAITING:
            return "-"
        if {each.partition(".")[0] for each in proposal.fields} <= WITHOUT_EFFECT:
            return NOT_TRIED
        try:
            return describe_effect(assess(proposal, at=timezone.now()))
        except TooBusy:
            return NOT_COUNTED

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [
            path("<path:object_id>/act/<slug:name>/", view, name="distribution_changeproposal_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        proposal, buttons = self.get_object(request, object_id), []
        waits = proposal is not None and proposal.state == ProposalState.WAITING
        if proposal is not None and waits and request.user.has_perm(DECIDE):
            for name, title in TITLES.items():
                url = reverse("admin:distribution_changeproposal_act", args=[proposal.pk, name])
                buttons.append({"title": title, "url": preserve_list_filters(self, request, url)})
        context = {**(extra_context or {}), "action_buttons": buttons}
        return super().change_view(request, object_id, form_url, context)

    def act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        self.require(DECIDE, request=request)
        proposal = self.get_object(request, object_id)
        if proposal is None or name not in TITLES:
            raise Http404
        form = ReasonForm(request.POST or None, state=proposal.state)
        url = reverse("admin:distribution_changeproposal_change", args=[proposal.pk])
        back = preserve_list_filters(self, request, url)
        if request.method == "POST" and form.is_valid() and self._decide(request, proposal, name, form):
            return HttpResponseRedirect(back)
        lines = [f"{title}: {text}" for title, text in describe_rows(proposal, at=timezone.now())]
        # It replays up to 1,000 leads: not for a decline, nor for a form that is refused.
        if proposal.state == ProposalState.WAITING and (request.method, name) == ("GET", "approve"):
            lines.append(f"Effect: {self.effect(proposal)}")
        is_possible = proposal.state == ProposalState.WAITING or bool(form.errors)
        context = {"lines": lines, "button": TITLES[name], "is_possible": is_possible, "back": back}
        return self.confirm(
            request, title=f"{TITLES[name]}: {self.title_of(proposal)}", form=form, context=context
        )

    def _decide(self, request: HttpRequest, proposal: ChangeProposal, name: str, form: ReasonForm) -> bool:
        """Returns False when it was refused; the form says why."""
        by = Author(request.user.get_username(), timezone.now(), form.cleaned_data["reason"])
        try:
            (approve if name == "approve" else decline)(proposal.pk, by=by)
        except (DecisionRefused, ChangeRefused) as refusal:
            form.add_error(None, f"Nothing was changed: {refusal}.")
            return False
        self.message_user(request, DONE[name], messages.SUCCESS)
        return True


def describe_rows(proposal: ChangeProposal, *, at: datetime) -> Iterator[tuple[str, str]]:
    """Each column with its value now and then, or why it cannot be approved."""
    try:
        for each in describe_difference(proposal, by=Author("", at)):
            before, after = (_show(value, column=each.name) for value in (each.before, each.after))
            if before == after:  # words leave out what changes nothing
                before, after = str(each.before), str(each.after)
            yield _name(proposal, each), f"{before} becomes {after}"
    except (DecisionRefused, ChangeRefused) as refusal:
        yield "It cannot be approved", str(refusal)


def _name(proposal: ChangeProposal, difference: Difference) -> str:
    model: Any = Buyer if proposal.enrollment_id is None else Enrollment
    known = {field.name for field in model._meta.concrete_fields}
    return describe_field(model, difference.name) if difference.name in known else difference.name


def _show(value: Any, *, column: str) -> str:
    """As the form of the column says it. What a program stored may not be readable."""
    describe = DESCRIBERS.get(column)
    if describe is None:
        shown = money(value) if column.endswith("_cents") and value is not None else str(value)
        return "nothing" if value in (None, "", {}, []) else shown
    try:
        return str(describe(value))
    except (ValueError, TypeError, LookupError, AttributeError):
        return str(value)


def name_change(asked: str) -> str:
    """ "service_area" is "service area", "caps.day" is "lead caps per day", "contact.email" is "contact email"."""
    head, dot, member = asked.partition(".")
    name = str(dict(ApprovedField.choices).get(head, head.replace("_", " ")))
    return f"{name}{' per ' if head in PER_PERIOD else ' '}{member}" if dot else name


def assess(proposal: ChangeProposal, *, at: datetime) -> Effect | None:
    """What it would have won; None if it can no longer be made. Raises TooBusy."""
    buyer = Buyer.objects.select_related("workspace").get(pk=proposal.buyer_id)
    try:
        return assess_change(buyer, _as_proposed(proposal), at=at)
    except (FieldsRefused, ChangeRefused):
        return None


def _as_proposed(proposal: ChangeProposal) -> Proposed:
    if proposal.enrollment_id is not None:
        place = Enrollment.objects.select_related("campaign", "tier", "buyer").get(pk=proposal.enrollment_id)
        return Proposed(enrollments=[(place, proposal.patch)])
    parts = [part.name for part in PARTS_OF_BUYER]
    return Proposed({proposal.part: proposal.patch} if proposal.part in parts else {})


def describe_effect(effect: Effect | None) -> str:
    if effect is None:
        return "not known: the change can no longer be made"
    of = f"of {count(effect.missed, 'lead')} that it missed in 30 days"
    partly = " (not all could be checked)" if effect.left_out else ""
    if not effect.won:
        return f"It would have won none {of}{partly}."
    return f"It would have won {effect.won:,} {of}, for {money(sum(effect.prices_cents))} together{partly}."
