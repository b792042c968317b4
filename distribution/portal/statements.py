"""The monthly statements of a buyer on net terms: the list, each as a page, and its PDF."""

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse

from distribution.models import BuyerStatement
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, read_paging
from distribution.statements.document import write_document
from distribution.statements.download import as_pdf
from distribution.statements.pdf import PdfUnavailable
from distribution.statements.queries import find_statement, list_statements


class StatementsPage(PortalPage):
    section = "portal-wallet"

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = read_paging(request, name="statements", buyer=self.buyer)
        found = list_statements(self.buyer, limit=SIZE + 1, before=paging.before)
        context = {"page": paging.show(found), "has_terms": self.buyer.wallet.terms_days is not None}
        return self.show_page("statements", context)


class StatementPage(PortalPage):
    section = "portal-wallet"

    def get(self, request: HttpRequest, number: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        statement = self.find(number)
        context = {
            "statement": statement,
            "document": write_document(statement),
            "is_overdue": statement.outstanding_cents > 0 and statement.due_at <= self.at,  # type: ignore[attr-defined]  # annotated
        }
        return self.show_page("statement", context)

    def find(self, number: int) -> BuyerStatement:
        """One of another buyer is not found."""
        found = find_statement(number, buyer=self.buyer)
        if found is None:
            raise Http404
        return found


class StatementPdfPage(StatementPage):
    def get(self, request: HttpRequest, number: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        try:
            return as_pdf(self.find(number))
        except PdfUnavailable as unavailable:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return HttpResponse(str(unavailable), status=status, content_type="text/plain; charset=utf-8")
