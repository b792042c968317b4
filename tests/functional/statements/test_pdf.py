"""The PDF of a statement: its text, its tags, and that it fetches nothing."""

import io
import os
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from distribution.models import BuyerStatement
from distribution.statements import pdf
from distribution.statements.pdf import NO_PANGO, PdfUnavailable, load_weasyprint, refuse_fetch, write_pdf
from tests.support.factories import CampaignFactory
from tests.support.statements import book, buyer_on_terms, charge, issue

pytestmark = pytest.mark.django_db

MIDDLE = datetime(2026, 1, 15, 17, tzinfo=UTC)
HOSTILE = '<img src="http://127.0.0.1:1/x.png"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def pango() -> None:
    """Skips the test without the library; with CI=true that is a failure."""
    try:
        load_weasyprint()
    except PdfUnavailable as unavailable:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(unavailable))


@pytest.fixture
def statement() -> BuyerStatement:
    campaign = CampaignFactory(name=f"Roofing {HOSTILE}", workspace__name="Northern Leads")
    buyer = buyer_on_terms(workspace=campaign.workspace, name="Acme Roofing")
    returned = charge(buyer, campaign, 250_000, at=MIDDLE)
    charge(buyer, campaign, 2_500, at=MIDDLE)
    book(buyer, "refund", 250_000, at=MIDDLE, assignment=returned)
    return issue(buyer)


def read(written: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(written))


def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.usefixtures("pango")
def test_pdf_has_the_figures_and_the_lead_by_its_id(statement: BuyerStatement) -> None:
    text = text_of(read(write_pdf(statement)))

    for expected in (
        "Statement 1: Acme Roofing, January 2026",
        "From Northern Leads",
        "January 2026 (America/New_York)",
        "Opening balance $0.00",
        "Leads 2 -$2,525.00",
        "Refunds for returns 1 $2,500.00",
        "Closing balance -$25.00",
        "Due $25.00",
        "March 3, 2026",
        "1 of 1",
    ):
        assert expected in text
    assert "Top-ups" not in text
    assert "Grace" not in text
    lead_id = statement.details["movements"][0]["lead_id"]
    assert lead_id in text.replace(" ", "")


@pytest.mark.usefixtures("pango")
def test_pdf_is_tagged_and_has_title_and_language(statement: BuyerStatement) -> None:
    reader = read(write_pdf(statement))
    root = reader.trailer["/Root"]

    assert bool(root["/MarkInfo"]["/Marked"])
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "en-US"
    assert bool(root["/ViewerPreferences"]["/DisplayDocTitle"])
    assert reader.metadata is not None
    assert reader.metadata.title == "Statement 1: Acme Roofing, January 2026"
    assert reader.xmp_metadata is not None
    assert b"pdfuaid" in reader.xmp_metadata.stream.get_data()


@pytest.mark.usefixtures("pango")
def test_same_statement_gives_the_same_bytes(statement: BuyerStatement) -> None:
    assert write_pdf(statement) == write_pdf(statement)


@pytest.mark.usefixtures("pango")
def test_name_is_text_and_nothing_is_fetched(
    statement: BuyerStatement, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pdf, "refuse_fetch", lambda url, *_, **__: asked.append(url) or refuse_fetch(url))

    text = text_of(read(write_pdf(statement)))

    assert asked == []
    assert 'src="http://127.0.0.1:1/x.png"' in text.replace("\u200b", "")


def test_every_address_is_refused() -> None:
    for url in ("http://127.0.0.1/x", "file:///etc/hosts", "data:image/png;base64,AAAA"):
        with pytest.raises(ValueError, match="refers to nothing outside"):
            refuse_fetch(url)


def test_without_pango_the_refusal_says_what_to_install(
    statement: BuyerStatement, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        print("advice of the library")  # noqa: T201
        raise OSError(name)

    monkeypatch.setattr(pdf, "import_module", fail)

    with pytest.raises(PdfUnavailable) as refusal:
        write_pdf(statement)

    assert str(refusal.value) == NO_PANGO
