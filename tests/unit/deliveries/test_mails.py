"""Leads as emails and as ADF: escaping, well-formed XML in the order of the DTD, and no header or row from a value."""

import re
from datetime import UTC
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given

from distribution.deliveries.payloads.adf import write_adf
from distribution.deliveries.payloads.lead import DeliveredLead
from distribution.deliveries.payloads.mails import MailContent, write_mail
from tests.unit.deliveries.payload_leads import leads, make_lead, patient

ZONE = ZoneInfo("America/New_York")
CAR = {"vehicle_year": 2020, "Vehicle_Make": "Ford & Co", "vehicle": {"model": "F-150", "status": "Used"}}
# From the DTD of ADF 1.0: the children of each element, in order.
MODELS = {
    "adf": "prospect ",
    "prospect": "id requestdate vehicle customer vendor provider ",
    "vehicle": "year make model (vin )?(stock )?(trim )?",
    "customer": "contact (timeframe )?(comments )?",
    "vendor": "vendorname contact ",
    "provider": "name ",
    "contact": "(name )+(email )?(phone )*(address )?",
    "address": "street (city )?(regioncode )?(postalcode )?(country )?",
    "timeframe": "description ",
}


def check_models(element: Element) -> None:
    children = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(MODELS.get(element.tag, ""), children), element.tag
    for child in element:
        check_models(child)


# --- ADF ---


def test_adf_of_a_car() -> None:
    lead = make_lead(attributes={**CAR, "interest": "trade in", "comments": "a < b", "timeframe": "1 month"})
    assert write_adf(lead, zone=ZONE, vendor_email="sales@example.invalid") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<?adf version="1.0"?>\n<adf><prospect status="new">'
        '<id sequence="1" source="LeadSwitch">01a20094-d901-71ad-ae8f-000000000002</id>'
        "<requestdate>2026-01-31T18:05:09-05:00</requestdate>"
        '<vehicle interest="trade-in" status="used"><year>2020</year><make>Ford &amp; Co</make>'
        "<model>F-150</model></vehicle>"
        '<customer><contact><name part="first">Test</name><name part="last">Person</name>'
        '<email>test@example.invalid</email><phone type="voice">+15005550006</phone>'
        '<address><street line="1">1 Main St</street><city>Tampa</city><regioncode>FL</regioncode>'
        "<postalcode>33647</postalcode><country>US</country></address></contact>"
        "<timeframe><description>1 month</description></timeframe>"
        "<comments>a &lt; b\nvehicle_year: 2020\nvehicle_make: Ford &amp; Co\nvehicle.model: F-150\n"
        "vehicle.status: Used\ninterest: trade in\ntimeframe: 1 month</comments></customer>"
        "<vendor><vendorname>Harbor Roofing Tampa</vendorname>"
        '<contact><name part="full">Harbor Roofing Tampa</name><email>sales@example.invalid</email></contact></vendor>'
        '<provider><name part="full">Roofing, exclusive</name></provider></prospect></adf>'
    )


@patient
@given(lead=leads)
def test_adf_of_every_lead_is_well_formed_and_in_order(lead: DeliveredLead) -> None:
    root = fromstring(write_adf(lead, zone=UTC).encode())
    check_models(root)
    assert root.findtext("prospect/id") == lead.lead_id
    assert {element.get("interest") for element in root.iter("vehicle")} == {"buy"}


@pytest.mark.parametrize(
    ("changes", "blank"),
    [
        ({"attributes": CAR}, []),
        ({"attributes": {"year": 2020, "car_make": "A", "car_year": "", "model": " "}}, ["model"]),
        ({"attributes": {}}, ["year", "make", "model"]),
    ],
)
def test_what_the_lead_lacks_is_an_empty_element(changes: dict[str, Any], blank: list[str]) -> None:
    root = fromstring(write_adf(make_lead(**changes), zone=UTC).encode())

    assert [
        name for name in ("year", "make", "model") if not root.findtext(f"prospect/vehicle/{name}")
    ] == blank
    check_models(root)


@pytest.mark.parametrize(
    "changes", [{"first_name": "", "last_name": ""}, {"phone": ""}, {"phone": "", "email": ""}]
)
def test_adf_without_contact_details_is_in_order(changes: dict[str, Any]) -> None:
    check_models(fromstring(write_adf(make_lead(**changes), zone=UTC).encode()))


def test_adf_is_alone_in_the_body() -> None:
    mail = write_mail(make_lead(), email_format="adf", zone=ZONE)
    assert (mail.html, mail.text) == ("", write_adf(make_lead(), zone=ZONE))


# --- text and HTML ---

TEXT = """\
Name: Test Person
Phone: +15005550006 ext. 5
Email: test@example.invalid
Address: 1 Main St, Tampa, FL 33647
County: Hillsborough County
Service: roofing
roof age: 12
services: roof, gutter
owner: true
home.floors: 2
Consent: I agree
Consent given: Jan 31, 2026, 6:00 PM EST
Certificate: abc
Received: Jan 31, 2026, 6:05 PM EST
Price: $45.05
Campaign: Roofing, exclusive
Lead: 01a20094-d901-71ad-ae8f-000000000002
Sale: 01a20094-ffff-71ad-ae8f-000000000001
"""


def test_text() -> None:
    mail = write_mail(make_lead(phone_extension="5"), email_format="text", zone=ZONE)
    assert mail == MailContent(subject="New lead: roofing in Tampa, FL 33647", text=TEXT)


def test_test_lead_says_so_first() -> None:
    mail = write_mail(make_lead(is_test=True), email_format="html", zone=ZONE)
    assert mail.subject == "[TEST] New lead: roofing in Tampa, FL 33647"
    assert mail.text.startswith("TEST LEAD: do not contact this person\n\nName: ")
    assert "<p><strong>TEST LEAD: do not contact this person</strong></p>" in mail.html


def test_value_cannot_pretend_to_be_another_row() -> None:
    lead = make_lead(attributes={"note": "ok\nPhone: +19005550000\r\nEmail: x"}, city="Tampa\nBcc: x")
    mail = write_mail(lead, email_format="text", zone=ZONE)
    assert "note: ok\n    Phone: +19005550000\n    Email: x\n" in mail.text
    assert mail.subject == "New lead: roofing in Tampa Bcc: x, FL 33647"


class Page(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def read_page(lead: DeliveredLead) -> Page:
    page = Page()
    page.feed(write_mail(lead, email_format="html", zone=ZONE).html)
    return page


def test_html_links_phone_and_email() -> None:
    assert read_page(make_lead()).links == ["tel:+15005550006", "mailto:test@example.invalid"]
    assert read_page(make_lead(phone="javascript:1", email="a@b.c?bcc=d")).links == []


def test_html_is_escaped() -> None:
    page = read_page(make_lead(first_name="<script>alert(1)</script>", attributes={"note": '"><img src=x>'}))
    assert {"script", "img"} & set(page.tags) == set()
    assert "<script>alert(1)</script> Person" in page.cells
    assert '"><img src=x>' in page.cells


@patient
@given(lead=leads)
def test_every_lead_can_be_mailed(lead: DeliveredLead) -> None:
    for email_format in ("text", "html", "adf"):
        mail = write_mail(lead, email_format=email_format, zone=ZONE)
        assert len(mail.subject) <= 150
        message = EmailMessage()
        message["Subject"] = mail.subject
        message.set_content(mail.text + mail.html)
        assert str(message["Subject"]) == mail.subject
        message.as_bytes()
    assert set(read_page(lead).tags) <= {
        *("html", "head", "meta", "title", "body", "p", "strong", "table", "tr", "th", "td", "a", "br")
    }


def test_repr_of_a_mail_has_no_person() -> None:
    assert repr(write_mail(make_lead(), email_format="text", zone=ZONE)) == (
        "MailContent(subject='New lead: roofing in Tampa, FL 33647')"
    )
