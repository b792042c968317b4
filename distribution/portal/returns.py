"""Returns: ask for one, with evidence, and see what became of it."""

from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from distribution.configuration.return_reasons import RETURN_REASONS
from distribution.models import Assignment, EvidenceKind, ReturnPolicy, ReturnRequest, ReturnState
from distribution.models.returning import MAX_FILE_BYTES, MAX_FILES, MAX_TEXT
from distribution.portal.leads import describe_lead
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, read_paging
from distribution.portal.return_limits import describe_limit_of
from distribution.portal.wording import RETURN_STATES
from distribution.queries import find_assignment
from distribution.returns.evidence import EXTENSIONS, EvidenceFile, read_file
from distribution.returns.policy import Ask, closes_at, find_policy
from distribution.returns.queries import find_return, list_returns
from distribution.returns.refusals import ReturnNotFound, ReturnRefused
from distribution.returns.request import add_evidence, request_return, withdraw_return
from tracing.wording import money

MAX_DOLLARS: Final = Decimal("1000000")
TOO_LARGE: Final = f"The file is larger than {MAX_FILE_BYTES // 1024 // 1024} MB. Send a smaller one."
FIELDS: Final = {"reason": "reason", "text": "text", "amount_cents": "amount", "file": "file"}


class FileForm(forms.Form):
    file = forms.FileField(
        label="File",
        widget=forms.FileInput(attrs={"accept": ",".join(f".{each}" for each in EXTENSIONS)}),
        help_text=f"At most {MAX_FILE_BYTES // 1024 // 1024} MB: {', '.join(EXTENSIONS)}.",
    )

    def clean_file(self) -> EvidenceFile | None:
        """The first bytes decide what the file is, not the browser."""
        upload = self.cleaned_data.get("file")
        if not upload:
            return None
        if upload.size > MAX_FILE_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        try:
            return read_file(upload.name, upload.read())
        except ReturnRefused as refusal:
            raise forms.ValidationError(f"The file {refusal.message}") from None


class ReturnForm(FileForm):
    reason = forms.ChoiceField(label="Why do you return it?")
    text = forms.CharField(
        label="Evidence",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    amount = forms.DecimalField(
        label="Refund only a part, in dollars",
        required=False,
        min_value=Decimal("0.01"),
        max_value=MAX_DOLLARS,
        decimal_places=2,
        help_text="Leave empty to give the lead back and get the whole price. With an amount you keep the lead.",
    )
    field_order = ("reason", "text", "file", "amount")

    def __init__(self, *args: Any, policy: ReturnPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons: Any = self.fields["reason"]
        reasons.choices = [("", "Choose a reason"), *_list_reasons(policy)]
        self.fields["file"].required = policy.evidence == EvidenceKind.FILE
        self.fields["text"].required = policy.evidence == EvidenceKind.TEXT
        self.fields["text"].help_text = "Say when you called, or how you found out. Your agency reads it."

    def read_ask(self) -> Ask:
        amount, file = self.cleaned_data["amount"], self.cleaned_data["file"]
        amount_cents = None if amount is None else int(amount * 100)
        files = () if file is None else (file,)
        return Ask(self.cleaned_data["reason"], self.cleaned_data["text"], amount_cents, files)


def _list_reasons(policy: ReturnPolicy) -> list[tuple[str, str]]:
    return [(code, RETURN_REASONS[code].label.capitalize()) for code in policy.reasons]


class AskReturnPage(PortalPage):
    """The form to return one lead. What the policy refuses is said beside the field."""

    section = "portal-leads"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        assignment, policy = self._find(public_id), find_policy(self.buyer)
        form = None if policy is None else ReturnForm(policy=policy)
        return self._ask(assignment, policy, form)

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        assignment, policy = self._find(public_id), find_policy(self.buyer)
        if policy is None:
            return self._ask(assignment, policy, None, status=HTTPStatus.CONFLICT)
        form = ReturnForm(request.POST, request.FILES, policy=policy)
        if not form.is_valid():
            return self._ask(assignment, policy, form, status=HTTPStatus.BAD_REQUEST)
        try:
            made = request_return(
                public_id, form.read_ask(), buyer=self.buyer, actor=self.user.actor, at=self.at
            )
        except ReturnRefused as refusal:
            show_refusal(form, refusal)
            return self._ask(assignment, policy, form, status=HTTPStatus.BAD_REQUEST)
        page = reverse("portal-return", args=[made.public_id])
        return HttpResponseRedirect(f"{page}?done=return-requested")

    def _find(self, public_id: UUID) -> Assignment:
        assignment = find_assignment(public_id, buyer=self.buyer)
        if assignment is None:
            raise Http404
        return assignment

    def _ask(
        self,
        assignment: Assignment,
        policy: ReturnPolicy | None,
        form: ReturnForm | None,
        *,
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        until = None if policy is None else closes_at(policy, sold_at=assignment.charged_at)
        context = {
            **describe_lead(assignment),
            "form": form,
            "until": until,
            "is_over": until is not None and self.at > until,
            "limit": describe_limit_of(assignment, policy),
        }
        return self.show_page("ask_return", context, status=status)


def show_refusal(form: forms.Form, refusal: ReturnRefused) -> None:
    """A refusal of a field begins without a subject: `is required as evidence`."""
    name = FIELDS.get(refusal.field, "")
    if name in form.fields:
        label = form.fields[name].label
        form.add_error(name, f"{label} {refusal.message}")
    else:
        form.add_error(None, refusal.message)


class ReturnsPage(PortalPage):
    section = "portal-returns"

    def get(self, request: HttpRequest) -> HttpResponse:
        state = request.GET.get("state", "")
        if state and state not in ReturnState.values:
            raise Http404
        paging = read_paging(request, name="returns", buyer=self.buyer)
        found = list_returns(self.buyer, limit=SIZE + 1, before=paging.before, state=state or None)
        shown = paging.show(found)
        context = {
            "page": shown,
            "returns": [describe_return(each) for each in shown.rows],
            "states": [(code, words[0]) for code, words in RETURN_STATES.items()],
            "state": state,
        }
        return self.show_page("returns", context)


class ReturnPage(PortalPage):
    """One return. While it waits, the buyer may add files and withdraw it."""

    section = "portal-returns"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(self._find(public_id), FileForm())

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        found, form = self._find(public_id), FileForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                add_evidence(public_id, form.cleaned_data["file"], buyer=self.buyer, actor=self.user.actor)
            except ReturnRefused as refusal:
                show_refusal(form, refusal)
            else:
                return HttpResponseRedirect(f"{request.path}?done=evidence-added")
        return self._show(found, form, status=HTTPStatus.BAD_REQUEST)

    def _find(self, public_id: UUID) -> ReturnRequest:
        found = find_return(public_id, buyer=self.buyer)
        if found is None:
            raise Http404
        return found

    def _show(self, found: ReturnRequest, form: FileForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
        files = list(found.files.all())
        is_waiting = found.state == ReturnState.REQUESTED
        context = {
            **describe_return(found),
            "files": files,
            "form": form if is_waiting and self.user.is_manager and len(files) < MAX_FILES else None,
            "can_withdraw": is_waiting and self.user.is_manager,
        }
        return self.show_page("return", context, status=status)


class WithdrawPage(PortalPage):
    http_method_names = ["post"]
    section = "portal-returns"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        try:
            withdraw_return(public_id, buyer=self.buyer, actor=self.user.actor, at=self.at)
        except ReturnNotFound:
            raise Http404 from None
        except ReturnRefused:
            return HttpResponseRedirect(reverse("portal-return", args=[public_id]))
        page = reverse("portal-return", args=[public_id])
        return HttpResponseRedirect(f"{page}?done=return-withdrawn")


def describe_return(request: ReturnRequest) -> dict[str, Any]:
    """The operator who decided is confidential to the agency."""
    words, tone = RETURN_STATES[request.state]
    asked = "all of it" if request.asked_cents is None else money(request.asked_cents)
    return {
        "request_row": request,
        "assignment": request.assignment,
        "reason": RETURN_REASONS[request.reason].label,
        "state_words": words,
        "tone": tone,
        "asked": asked,
    }
