"""The page of a statement with its PDF, and on the page of a wallet the preview of a month and *Issue*."""

from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from distribution.models import BuyerStatement, StatementMail, StatementMailState, Wallet
from distribution.statements.document import write_document
from distribution.statements.download import as_pdf
from distribution.statements.figures import FiguresDiffer
from distribution.statements.issue import StatementRefused, issue_statement, make_statement, read_draft
from distribution.statements.months import EARLIEST, Month
from distribution.statements.pdf import PdfUnavailable
from distribution.statements.resending import find_hindrance, resend
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.wording import moment, money

ISSUE: Final = "distribution.add_buyerstatement"
SEE: Final = "distribution.view_buyerstatement"
TO_THE_ADDRESSES_OF_NOW: Final = "It is mailed to the addresses that the wallet names now."
BROKEN: Final = "The entries of this wallet do not add up, so nothing is shown. Run manage.py verify."


class StatementPageAdmin(ConfirmingAdmin, ReadOnlyAdmin):
    """The page of one statement, and *Send again*."""

    change_form_template = "admin/distribution/buyerstatement/page.html"
    fields = ("number",)

    def get_urls(self) -> list[URLPattern]:
        pdf, mail = (self.admin_site.admin_view(view) for view in (self.show_pdf, self.send_again))
        return [
            path("<path:object_id>/pdf/", pdf, name="distribution_buyerstatement_pdf"),
            path("<path:object_id>/mail/", mail, name="distribution_buyerstatement_mail"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        statement = self._find(request, object_id)
        document = write_document(statement)
        context = {
            "title": document.title,
            "subtitle": None,
            "document": document,
            "lines": [_describe_payment(statement), _describe_mail(statement)],
            "pdf": reverse("admin:distribution_buyerstatement_pdf", args=[statement.pk]),
            "mail": self._mail_url(request, statement),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def show_pdf(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """503 in plain text where PDFs are off."""
        statement = self._find(request, object_id)
        try:
            return as_pdf(statement)
        except PdfUnavailable as unavailable:
            return HttpResponse(str(unavailable), status=503, content_type="text/plain; charset=utf-8")

    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the addresses that the wallet names now."""
        self.require(ISSUE, request=request)
        statement = self._find(request, object_id)
        form = ReasonForm(request.POST or None)
        back = _page_of(statement)
        if request.method == "POST" and form.is_valid():
            reason, actor = form.cleaned_data["reason"], request.user.get_username()
            try:
                emails = resend(statement, actor=actor, reason=reason, at=timezone.now())
            except StatementRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, f"The statement is mailed to {emails} within minutes.")
                return HttpResponseRedirect(back)
        hindrance = find_hindrance(statement)
        context = {
            "lines": [
                _describe_mail(statement),
                hindrance or TO_THE_ADDRESSES_OF_NOW,
            ],
            "button": "Send again",
            "is_possible": not hindrance,
            "back": back,
        }
        return self.confirm(request, title=f"Send again: {statement}", form=form, context=context)

    def _mail_url(self, request: HttpRequest, statement: BuyerStatement) -> str:
        """Blank for a person who may not issue statements."""
        if not request.user.has_perm(ISSUE):
            return ""
        return reverse("admin:distribution_buyerstatement_mail", args=[statement.pk])

    def _find(self, request: HttpRequest, object_id: str) -> BuyerStatement:
        statement: BuyerStatement | None = self.get_object(request, object_id)
        if not self.has_view_permission(request, statement):
            raise PermissionDenied
        if statement is None:
            raise Http404
        return statement


class WalletStatementAdmin(ConfirmingAdmin):
    """`?month=2026-01` of a wallet: its statement, or what it would be. Default: the month that runs."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_month)
        return [
            path("<path:object_id>/statement/", view, name="distribution_wallet_statement"),
            *super().get_urls(),
        ]

    def show_month(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(SEE, request=request)
        wallet: Wallet | None = self.get_object(request, object_id)
        if wallet is None:
            raise Http404
        running = Month.of(timezone.now(), timezone=wallet.buyer.timezone)
        month = _read_month(request, running)
        issued = BuyerStatement.objects.filter(wallet=wallet, month=month.first_day).first()
        if issued is not None:
            return HttpResponseRedirect(_page_of(issued))
        form = ReasonForm(request.POST or None)
        may_issue = month.is_closed(at=timezone.now()) and request.user.has_perm(ISSUE)
        if request.method == "POST" and may_issue and form.is_valid():
            return self._issue(request, wallet, month.first_day, form.cleaned_data["reason"])
        return self._preview(request, wallet, month, form, may_issue=may_issue)

    def _issue(self, request: HttpRequest, wallet: Wallet, first_day: date, reason: str) -> HttpResponse:
        try:
            statement, is_new = issue_statement(
                wallet, first_day, at=timezone.now(), actor=request.user.get_username(), reason=reason
            )
        except (StatementRefused, FiguresDiffer) as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:distribution_wallet_change", args=[wallet.pk]))
        line = "was issued" if is_new else "was issued before. Nothing was done again"
        self.message_user(request, f"Statement {statement.number} {line}.")
        return HttpResponseRedirect(_page_of(statement))

    def _preview(
        self, request: HttpRequest, wallet: Wallet, month: Month, form: ReasonForm, *, may_issue: bool
    ) -> HttpResponse:
        at = timezone.now()
        try:
            draft = read_draft(
                Wallet.objects.select_related("buyer__workspace").get(pk=wallet.pk), month.first_day
            )
        except FiguresDiffer:
            document, lines = None, [BROKEN]
        else:
            document = write_document(make_statement(draft, at=at, actor=""))
            lines = [_describe_preview(month, is_closed=month.is_closed(at=at))]
        here = reverse("admin:distribution_wallet_statement", args=[wallet.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": document.title if document else f"Statement of {wallet.buyer}",
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
            "document": document,
            "lines": lines,
            "before": f"{here}?month={month.previous_first_day:%Y-%m}",
            "is_possible": may_issue and document is not None,
            "button": "Issue",
            "back": reverse("admin:distribution_wallet_change", args=[wallet.pk]),
        }
        return TemplateResponse(
            request,
            "admin/distribution/wallet/statement.html",
            context,
            status=400 if form.errors else 200,
        )


def link_statement(wallet: Wallet, *, request: HttpRequest) -> list[dict[str, str]]:
    """For a person who may see statements."""
    if not request.user.has_perm(SEE):
        return []
    return [{"title": "Statement", "url": reverse("admin:distribution_wallet_statement", args=[wallet.pk])}]


def _describe_payment(statement: Any) -> str:
    """Of a statement with its outstanding cents."""
    if statement.due_cents == 0:
        return "Nothing is due."
    if statement.outstanding_cents == 0:
        return f"{money(statement.due_cents)} was due and is paid."
    late = "It is overdue." if statement.due_at <= timezone.now() else ""
    left, due = money(statement.outstanding_cents), money(statement.due_cents)
    return f"{left} of {due} is still to be paid, until {statement.due_on:%Y-%m-%d}. {late}".strip()


def _describe_mail(statement: BuyerStatement) -> str:
    mail = StatementMail.objects.filter(statement=statement).first()
    if mail is None:
        return "It is not mailed: its wallet named no address when it was issued."
    if mail.state == StatementMailState.WAITING:
        reason = f" The last try failed: {mail.error}." if mail.error else ""
        return f"Its mail to {mail.email_to} is waiting to be sent.{reason}"
    ended = "" if mail.ended_at is None else f" at {moment(mail.ended_at)}"
    if mail.state == StatementMailState.SENT:
        return f"It was mailed to {mail.email_to}{ended}."
    return f"It could not be mailed to {mail.email_to}{ended}: {mail.error}."


def _read_month(request: HttpRequest, running: Month) -> Month:
    """A month that cannot be shown is not found."""
    text = request.GET.get("month")
    if text is None:
        return running
    try:
        first_day = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None
    if not EARLIEST <= first_day <= running.first_day:
        raise Http404
    return Month(first_day, running.timezone)


def _describe_preview(month: Month, *, is_closed: bool) -> str:
    if is_closed:
        return (
            "No statement was issued for this month. This is what it would be. Once issued, it never changes."
        )
    return f"The month has not ended in {month.timezone}. This is a preview, and not a statement."


def _page_of(statement: BuyerStatement) -> str:
    return reverse("admin:distribution_buyerstatement_change", args=[statement.pk])
