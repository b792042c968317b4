"""The PDF of a statement as a download."""

from typing import Final

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from distribution.models import BuyerStatement
from distribution.statements.pdf import write_pdf

PDF: Final = "application/pdf"


def as_pdf(statement: BuyerStatement) -> HttpResponse:
    """Raises PdfUnavailable."""
    disposition = content_disposition_header(as_attachment=True, filename=name_pdf(statement)) or ""
    return HttpResponse(write_pdf(statement), content_type=PDF, headers={"Content-Disposition": disposition})


def name_pdf(statement: BuyerStatement) -> str:
    return f"statement-{statement.number}-{statement.month:%Y-%m}.pdf"
