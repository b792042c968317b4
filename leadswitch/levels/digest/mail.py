"""The digest as a mail: text and HTML."""

from hashlib import sha256
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from leadswitch.levels.digest.content import Digest
from leadswitch.levels.report_text import format_cell, render_report

HTML: Final = "mail/digest.html"


class NoMailServer(Exception):
    """EMAIL_URL is not set."""


def render_text(digest: Digest) -> str:
    parts = [digest.subject, *(render_report(each) for each in digest.reports)]
    if url := _make_health_url():
        parts.append(f"Details: {url}")
    return "\n\n".join(parts) + "\n"


def render_html(digest: Digest) -> str:
    tables = [
        {"report": each, "rows": [[format_cell(cell) for cell in row] for row in each.rows]}
        for each in digest.reports
    ]
    return render_to_string(HTML, {"digest": digest, "tables": tables, "health_url": _make_health_url()})


def send(digest: Digest, recipient: str) -> None:
    """Send the digest to one address. Raises NoMailServer, smtplib.SMTPException and OSError.

    If the answer of the server is lost, the mail is sent again. Its Message-ID is the same for a day and recipient, so
    most mail programs show it once.
    """
    if not settings.EMAIL_HOST:
        raise NoMailServer
    message = EmailMultiAlternatives(
        digest.subject,
        render_text(digest),
        to=[recipient],
        headers={"Message-ID": make_message_id(digest, recipient), "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_html(digest), "text/html")
    message.send()


def make_message_id(digest: Digest, recipient: str) -> str:
    key = sha256(recipient.casefold().encode()).hexdigest()[:16]
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    return f"<digest-{digest.date:%Y%m%d}-{key}@{domain}>"


def _make_health_url() -> str:
    """Empty if LEADSWITCH_BASE_URL is not set."""
    base_url = settings.LEADSWITCH_BASE_URL
    return f"{base_url}{reverse('admin:health')}" if base_url else ""
