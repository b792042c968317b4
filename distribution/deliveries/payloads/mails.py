"""A lead as an email: plain text, HTML or ADF XML. The caller adds addresses and sends it."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final, Literal

from distribution.deliveries.payloads.adf import write_adf
from distribution.deliveries.payloads.expressions import write_text
from distribution.deliveries.payloads.fields import is_blank
from distribution.deliveries.payloads.formats import apply_format
from distribution.deliveries.payloads.lead import DeliveredLead, make_plain, write_time
from routing.values.attributes import flatten_attributes

EmailFormat = Literal["text", "html", "adf"]
Row = tuple[str, str]
TIME: Final = "%b %-d, %Y, %-I:%M %p %Z"
MAX_SUBJECT: Final = 150
PHONE: Final = re.compile(r"\+[0-9]{6,15}")
UNSEEN: Final = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TEST_MARK: Final = "[TEST] "
TEST_LABEL: Final = "TEST LEAD: do not contact this person"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """`html` is empty unless the format is HTML. A subject is one line, without the person's name."""

    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)


def write_mail(
    lead: DeliveredLead, *, email_format: EmailFormat, zone: tzinfo, vendor_email: str = ""
) -> MailContent:
    """`zone`: the buyer's. ADF is alone in the body: dealers' systems read the body and nothing else."""
    subject = _write_subject(lead)
    if email_format == "adf":
        return MailContent(subject=subject, text=write_adf(lead, zone=zone, vendor_email=vendor_email))
    rows = [(label, _clean(value)) for label, value in list_rows(lead, zone=zone) if not is_blank(value)]
    text = "".join(f"{line}\n" for line in _write_lines(lead, rows))
    return MailContent(
        subject=subject, text=text, html=_write_html(lead, rows) if email_format == "html" else ""
    )


def _write_subject(lead: DeliveredLead) -> str:
    place = ", ".join(filter(None, (lead.city, f"{lead.state} {lead.zip}".strip())))
    prefix = TEST_MARK if lead.is_test else ""
    subject = f"{prefix}New lead: {lead.vertical.replace('_', ' ')} in {place or lead.country}"
    return " ".join(_clean(subject).split())[:MAX_SUBJECT]


def list_rows(lead: DeliveredLead, *, zone: tzinfo) -> Iterator[Row]:
    """Labels and values, in the order in which a person needs them."""
    yield "Name", lead.full_name
    yield "Phone", _write_phone(lead)
    yield "Email", lead.email
    yield "Address", ", ".join(filter(None, (lead.address, lead.city, f"{lead.state} {lead.zip}".strip())))
    yield "County", lead.county
    yield "Service", lead.vertical.replace("_", " ")
    for name, value in flatten_attributes(make_plain(lead.attributes)).items():
        yield name.removeprefix("attributes.").replace("_", " "), write_text(value)
    yield "Consent", write_text(make_plain(lead.consent.get("text")))
    yield "Consent given", write_text(apply_format(make_plain(lead.consent.get("given_at")), TIME, zone=zone))
    yield "Certificate", write_text(make_plain(lead.consent.get("token")))
    yield "Received", apply_format(write_time(lead.received_at), TIME, zone=zone)
    yield "Price", f"${lead.sale.price_cents / 100:,.2f}"
    yield "Campaign", lead.sale.campaign
    yield "Lead", lead.lead_id
    yield "Sale", lead.sale.assignment_id


def _write_phone(lead: DeliveredLead) -> str:
    extension = f" ext. {lead.phone_extension}" if lead.phone_extension else ""
    return f"{lead.phone}{extension}" if lead.phone else ""


def _clean(text: str) -> str:
    return UNSEEN.sub("", text)


def _write_lines(lead: DeliveredLead, rows: list[Row]) -> Iterator[str]:
    """Further lines of a value are indented: no value can pretend to be another row."""
    if lead.is_test:
        yield from (TEST_LABEL, "")
    for label, value in rows:
        yield f"{' '.join(label.split())}: " + "\n    ".join(value.splitlines())


def _write_html(lead: DeliveredLead, rows: list[Row]) -> str:
    note = f"<p><strong>{TEST_LABEL}</strong></p>\n" if lead.is_test else ""
    cells = "".join(
        f'<tr><th align="left" valign="top">{html.escape(label)}</th><td>{_link(label, value)}</td></tr>\n'
        for label, value in rows
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(_write_subject(lead))}</title></head>\n"
        f'<body>\n{note}<table cellpadding="4">\n{cells}</table>\n</body></html>\n'
    )


def _link(label: str, value: str) -> str:
    """Phones and emails can be tapped."""
    shown = html.escape(value).replace("\n", "<br>")
    number = value.split(" ext. ")[0]
    if label == "Phone" and PHONE.fullmatch(number):
        return f'<a href="tel:{number}">{shown}</a>'
    if label == "Email" and re.fullmatch(r"[\w.+-]+@[\w.-]+", value):
        return f'<a href="mailto:{shown}">{shown}</a>'
    return shown
