"""Leads by email, and the daily CSV, through a real mail server."""

import socket
from datetime import timedelta
from email.message import EmailMessage
from time import monotonic
from typing import Any

import pytest
from django.utils import timezone

from distribution.deliveries.claim import LEASE_MARGIN_SECONDS
from distribution.models import Delivery, DeliveryTry, Endpoint
from tests.support.delivering import deliver_due
from tests.support.dripping_mail_server import dripping_mail_server
from tests.support.factories import DeliveryFactory, EndpointFactory
from tests.support.mail_server import Mailbox
from tests.support.ports import free_port

pytestmark = pytest.mark.django_db


def inbox(**columns: Any) -> Endpoint:
    endpoint: Endpoint = EndpointFactory(
        **{"url": "", "method": "email", "email_to": "office@example.com", **columns}
    )
    return endpoint


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def outcomes() -> list[tuple[str, str]]:
    return list(DeliveryTry.objects.order_by("delivery_id").values_list("outcome", "error"))


def test_lead_is_mailed_to_every_address(mailbox: Mailbox) -> None:
    delivery = DeliveryFactory(
        endpoint=inbox(email_to="office@example.com, boss@example.com"), lead__first_name="Ann"
    )

    deliver_due()

    assert mailbox.recipients == ["office@example.com", "boss@example.com"]
    message = mailbox.mails[0][1]
    assert "Ann" not in message["subject"]
    assert "Ann" in message.get_content()
    assert message["message-id"].startswith(f"<{delivery.message_id}@")
    assert (states(), outcomes()) == (["accepted"], [("accepted", "")])


@pytest.mark.parametrize("email_format", ["html", "adf"])
def test_lead_is_mailed_in_the_format_of_the_endpoint(mailbox: Mailbox, email_format: str) -> None:
    DeliveryFactory(endpoint=inbox(email_format=email_format))

    deliver_due()

    [(_, message)] = mailbox.mails
    types = [part.get_content_type() for part in message.walk()]
    expected = (
        ["multipart/alternative", "text/plain", "text/html"] if email_format == "html" else ["text/plain"]
    )
    assert types == expected


def test_address_that_the_server_refuses_rejects_the_lead(mailbox: Mailbox) -> None:
    mailbox.refused = {"office@example.com"}
    delivery = DeliveryFactory(endpoint=inbox())

    deliver_due()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.end_reason) == ("rejected", "550 no such person")


def test_server_that_is_down_sends_nothing(mailbox: Mailbox, settings: Any) -> None:
    settings.EMAIL_PORT = free_port()
    DeliveryFactory(endpoint=inbox())

    deliver_due()

    assert (states(), outcomes()) == (["pending"], [("not_sent", "ConnectionRefusedError")])
    assert mailbox.mails == []


def test_product_without_a_mail_server_sends_nothing(settings: Any) -> None:
    settings.EMAIL_HOST = ""
    DeliveryFactory(endpoint=inbox())

    deliver_due()

    assert outcomes() == [("not_sent", "no_mail_server")]


def read_rows(message: EmailMessage) -> list[str]:
    [file] = message.iter_attachments()
    assert file.get_filename() is not None
    return bytes(file.get_payload(decode=True)).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]


def test_daily_csv_has_all_due_leads_in_one_message(mailbox: Mailbox) -> None:
    endpoint = inbox(method="csv", template={"Zip": "{zip}", "Name": "{first_name}"})
    at = timezone.now()
    for name in ("Ann", "=cmd"):
        DeliveryFactory(endpoint=endpoint, lead__first_name=name, next_try_at=at)
    later = DeliveryFactory(endpoint=endpoint, next_try_at=at + timedelta(days=1))
    other = DeliveryFactory(endpoint=inbox(method="csv"), next_try_at=at)

    deliver_due(at=at)

    first, second = (message for _, message in mailbox.mails)
    assert read_rows(first) == ["Zip,Name", "30312,Ann", "30312,'=cmd"]
    assert first["subject"].startswith("2 leads of ")
    assert str(other.lead.public_id) in read_rows(second)[1]
    assert states() == ["accepted", "accepted", "pending", "accepted"]
    later.refresh_from_db()
    assert later.tries == 0


def test_repeated_mail_has_the_same_message_id(mailbox: Mailbox) -> None:
    mailbox.busy = 1
    delivery = DeliveryFactory(endpoint=inbox())

    deliver_due()
    delivery.refresh_from_db()
    deliver_due(at=delivery.next_try_at)

    first, second = mailbox.offered
    assert first == second
    assert (states(), len(mailbox.mails)) == (["accepted"], 1)


def test_repeated_csv_has_the_same_rows_and_message_id(mailbox: Mailbox) -> None:
    """A lead that becomes due before the repetition goes out in a message of its own."""
    mailbox.busy = 1
    endpoint, at = inbox(method="csv", template={"Name": "{first_name}"}), timezone.now()
    for name in ("Ann", "Bob", "Cem"):
        DeliveryFactory(endpoint=endpoint, lead__first_name=name, next_try_at=at)

    deliver_due(at=at)

    [again_at] = set(Delivery.objects.values_list("next_try_at", flat=True))
    assert again_at is not None
    DeliveryFactory(endpoint=endpoint, lead__first_name="Dan", next_try_at=again_at)
    deliver_due(at=again_at)

    rows = {message["message-id"]: read_rows(message)[1:] for _, message in mailbox.mails}
    assert len(rows) == 2
    assert rows[mailbox.offered[0]] == ["Ann", "Bob", "Cem"]
    assert states() == ["accepted"] * 4


@pytest.mark.parametrize(
    ("at", "outcome"), [("", "not_sent"), ("EHLO", "unknown"), ("MAIL", "unknown"), (".", "unknown")]
)
def test_mail_ends_in_time_however_often_the_server_answers(settings: Any, at: str, outcome: str) -> None:
    """It drips faster than any timeout of one operation. The lease begins before the mail."""
    endpoint = inbox(timeout_seconds=1)
    DeliveryFactory(endpoint=endpoint)
    with dripping_mail_server(at) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        began = monotonic()

        deliver_due()

        assert monotonic() - began < endpoint.timeout_seconds + LEASE_MARGIN_SECONDS
    assert outcomes() == [(outcome, "timed_out")]


@pytest.mark.parametrize("is_tls", [False, True])
def test_server_that_says_nothing_gets_no_mail(settings: Any, *, is_tls: bool) -> None:
    """It takes the connection. With TLS, the handshake does not begin."""
    settings.EMAIL_USE_SSL = is_tls
    DeliveryFactory(endpoint=inbox(timeout_seconds=1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        deliver_due()
    assert outcomes() == [("not_sent", "timed_out")]


def test_server_that_hangs_up_slowly_has_the_mail(settings: Any) -> None:
    DeliveryFactory(endpoint=inbox(timeout_seconds=1))
    with dripping_mail_server("QUIT") as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        deliver_due()
    assert (states(), outcomes()) == (["accepted"], [("accepted", "")])
