"""Variables of the mail server and of the daily digest."""

import re
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

from leadswitch.env.parse import BadEnvironment, parse_base_url, parse_email_url
from leadswitch.env.variable import Section, Variable

PORTS: Final = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
EXAMPLE_SERVER: Final = "smtp+tls://user:secret@mail.example.com:587"
NO_ONE: Final[tuple[str, ...]] = ()
ADDRESS: Final = re.compile(r"[^\s@,<>\"]+@[^\s@,<>\"]+")


@dataclass(frozen=True, slots=True)
class MailServer:
    """`host` empty: there is none. STARTTLS encrypts after a greeting in plain text, TLS from the start."""

    host: str = ""
    port: int = PORTS["smtp"]
    user: str = ""
    password: str = field(default="", repr=False)
    is_starttls: bool = False
    is_tls: bool = False


def read_mail_server(url: str) -> MailServer:
    if not url:
        return MailServer()
    parts = urlsplit(url)
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_starttls=parts.scheme == "smtp+tls",
        is_tls=parts.scheme == "smtp+ssl",
    )


def parse_address(name: str, text: str) -> str:
    if not (text.isascii() and ADDRESS.fullmatch(text)):
        raise BadEnvironment(name, f"{text!r} is not an e-mail address", "Use name@example.com")
    return text


def parse_addresses(name: str, text: str) -> tuple[str, ...]:
    """E-mail addresses with commas between them, each once."""
    parts = [part.strip() for part in text.split(",")]
    return tuple(dict.fromkeys(parse_address(name, part) for part in parts if part))


def parse_time(name: str, text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day
    except ValueError:
        raise BadEnvironment(name, f"{text!r} is not a time of day", "Use 00:00 to 23:59") from None


def parse_timezone(name: str, text: str) -> str:
    if text not in available_timezones():
        raise BadEnvironment(name, f"{text!r} is not a time zone", "Use a name such as America/New_York")
    return text


class Mail(Section):
    TITLE = "Mail, for leads and events by email (docs/deliveries.md) and the daily digest (docs/alerts.md)"

    email_url = Variable(
        "EMAIL_URL",
        parse_email_url,
        default="",
        example=EXAMPLE_SERVER,
        help=(
            "The mail server: smtp+tls:// (STARTTLS), smtp+ssl:// (TLS from the start) or smtp://. Write special"
            " characters of user and secret as %XX. Empty: no mail is sent."
        ),
    )
    email_from = Variable(
        "LEADSWITCH_EMAIL_FROM",
        parse_address,
        default="leadswitch@localhost",
        example="leadswitch@example.com",
        help="The address that mails come from.",
    )
    base_url = Variable(
        "LEADSWITCH_BASE_URL",
        parse_base_url,
        default="",
        example="https://leads.example.com",
        help=(
            "Where people reach the product, for links in mails. Empty: mails have no links, and no events are sent by"
            " email, because each of these has a link to unsubscribe."
        ),
    )
    digest_recipients = Variable(
        "LEADSWITCH_DIGEST_RECIPIENTS",
        parse_addresses,
        default=NO_ONE,
        example="ops@example.com,owner@example.com",
        help=(
            "Who gets the daily digest, and a mail about each endpoint that was disabled: addresses separated by"
            " commas. Empty: no one. It covers every workspace."
        ),
    )
    digest_time = Variable(
        "LEADSWITCH_DIGEST_TIME",
        parse_time,
        default=time(9),
        example="09:00",
        help="The time of day after which Celery beat has the digest sent.",
    )
    digest_timezone = Variable(
        "LEADSWITCH_DIGEST_TIMEZONE",
        parse_timezone,
        default="UTC",
        example="America/New_York",
        help="The time zone of LEADSWITCH_DIGEST_TIME.",
    )

    @property
    def mail_server(self) -> MailServer:
        return read_mail_server(self.email_url)


def check_mail(environment: Mail) -> None:
    """Raises BadEnvironment for recipients who could get no mail."""
    if environment.digest_recipients and not environment.email_url:
        raise BadEnvironment(
            "LEADSWITCH_DIGEST_RECIPIENTS", "needs a mail server", f"Set EMAIL_URL, such as {EXAMPLE_SERVER}"
        )
