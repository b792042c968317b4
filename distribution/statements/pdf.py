"""A statement as PDF, by WeasyPrint. It is an optional part: without the library of Pango there are pages and JSON.

The PDF is tagged (PDF/UA), has a title and a language, and contains its fonts. It fetches nothing, not even files.
"""

import io
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, Final

from django.template.loader import render_to_string

from distribution.models import BuyerStatement
from distribution.statements.document import write_document

NO_PANGO: Final = (
    "PDFs are off: the library Pango is not installed. On Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0 "
    "libharfbuzz-subset0 fonts-dejavu-core. Until then, print the page of the statement."
)
VARIANT: Final = "pdf/ua-1"


class PdfUnavailable(RuntimeError):
    """The native libraries of WeasyPrint are missing. The message says what to install."""

    def __init__(self) -> None:
        super().__init__(NO_PANGO)


def write_pdf(statement: BuyerStatement) -> bytes:
    """The same statement gives the same bytes with the same versions of fonts and libraries. Raises PdfUnavailable."""
    weasyprint = load_weasyprint()
    document = write_document(statement)
    html = weasyprint.HTML(
        string=render_to_string("statements/pdf.html", {"document": document}),
        url_fetcher=refuse_fetch,
    )
    written: bytes = html.write_pdf(pdf_variant=VARIANT, pdf_identifier=_identify(statement))
    return written


def load_weasyprint() -> Any:
    """It loads native libraries and 20 MB: only a process that writes a PDF pays for it. Raises PdfUnavailable."""
    try:
        with redirect_stdout(io.StringIO()):  # where WeasyPrint prints advice if a library is missing
            return import_module("weasyprint")
    except OSError:
        raise PdfUnavailable from None


def refuse_fetch(url: str, *_: Any, **__: Any) -> Any:
    """The template refers to nothing, and no name of a buyer or a campaign can make it do so."""
    message = f"a statement refers to nothing outside, but to {url[:100]}"
    raise ValueError(message)


def _identify(statement: BuyerStatement) -> bytes:
    return f"statement-{statement.workspace_id}-{statement.number or 0}".encode()
