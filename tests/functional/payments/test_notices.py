"""A buyer gets one mail for each pause of its automatic recharge that it did not choose, with what to do."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from distribution.models import Buyer, PauseReason, RechargeNotice, Wallet
from distribution.payments.pausing import pause, resume
from distribution.payments.payer import run_due
from distribution.payments.settings import change_recharge
from distribution.portal.recharge_notices import MAX_TRIES, WHY, send_due_notices
from tests.support.card_provider import DECLINED, NEEDS_CONFIRMATION, CardProvider
from tests.support.factories import PortalUserFactory
from tests.support.mail_server import Mailbox
from tests.support.paying import give_card, recharge_of


def send(*, at: datetime | None = None) -> int:
    return send_due_notices(clock=timezone.now if at is None else lambda: at)


def body_of(mailbox: Mailbox) -> str:
    return str(mailbox.mails[-1][1].get_content())


def test_decline_is_mailed_once_to_the_managers(
    buyer: Buyer, provider: CardProvider, mailbox: Mailbox
) -> None:
    for email, role in (("dana@buyer.example", "manager"), ("vera@buyer.example", "viewer")):
        PortalUserFactory(buyer=buyer, email=email, role=role)
    give_card(buyer, provider, number=DECLINED)
    recharge_of(buyer)
    run_due()
    assert [send(), send()] == [1, 0]
    assert mailbox.recipients == ["dana@buyer.example"]
    message = mailbox.mails[0][1]
    assert message["subject"] == f"Automatic recharge of {buyer.name} is paused"
    text = body_of(mailbox)
    assert "is paused: your card was declined." in text
    assert "Available now: $0.00." in text
    assert "https://leads.example.com/portal/wallet/card/" in text
    assert "0341" not in text
    assert "visa" not in text.lower()
    assert RechargeNotice.objects.get().state == "sent"


def test_payment_that_must_be_confirmed_is_mailed(
    buyer: Buyer, provider: CardProvider, mailbox: Mailbox
) -> None:
    PortalUserFactory(buyer=buyer)
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    recharge_of(buyer)
    run_due()
    assert send() == 1
    assert "your bank wants you to confirm the payment" in body_of(mailbox)


def test_contact_gets_it_if_there_is_no_manager(buyer: Buyer, mailbox: Mailbox) -> None:
    Buyer.objects.filter(pk=buyer.pk).update(contact_email="office@buyer.example")
    pause_now(buyer)
    assert send() == 1
    assert mailbox.recipients == ["office@buyer.example"]


def test_buyer_without_an_address_is_noted(buyer: Buyer, mailbox: Mailbox) -> None:
    Buyer.objects.filter(pk=buyer.pk).update(contact_email="")
    pause_now(buyer)
    assert send() == 1
    notice = RechargeNotice.objects.get()
    assert (notice.state, notice.error, mailbox.mails) == ("failed", "the buyer has no email address", [])


def test_each_pause_is_mailed_and_one_that_ended_is_not(buyer: Buyer, mailbox: Mailbox) -> None:
    PortalUserFactory(buyer=buyer)
    wallet = pause_now(buyer)
    resume(wallet.pk)
    assert send() == 1
    assert mailbox.mails == []
    assert RechargeNotice.objects.get().state == "over"
    pause(wallet.pk, reason=PauseReason.REFUSED, at=timezone.now())
    assert send() == 1
    assert len(mailbox.mails) == 1


def test_chosen_pause_is_not_mailed(buyer: Buyer) -> None:
    recharge_of(buyer)
    for is_by_buyer in (True, False):
        change_recharge(buyer, {"is_paused": True}, actor="ada", at=timezone.now(), is_by_buyer=is_by_buyer)
        change_recharge(buyer, {"is_paused": False}, actor="ada", at=timezone.now())
    assert not RechargeNotice.objects.exists()


def test_mail_server_that_is_away_is_tried_again(buyer: Buyer, mailbox: Mailbox, settings: Any) -> None:
    PortalUserFactory(buyer=buyer)
    pause_now(buyer)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    at = timezone.now() + timedelta(seconds=1)
    assert [send(at=at), send(at=at)] == [1, 0]
    settings.EMAIL_PORT = port
    assert send(at=at + timedelta(minutes=6)) == 1
    assert len(mailbox.mails) == 1


def test_last_try_ends_it(buyer: Buyer, settings: Any, mailbox: Mailbox) -> None:  # noqa: ARG001 - its server is hidden
    PortalUserFactory(buyer=buyer)
    pause_now(buyer)
    settings.EMAIL_PORT = 1
    at = timezone.now()
    for _ in range(MAX_TRIES):
        at += timedelta(days=2)
        assert send(at=at) == 1
    assert RechargeNotice.objects.get().state == "failed"
    assert send(at=at + timedelta(days=9)) == 0


def test_notice_waits_without_a_mail_server(buyer: Buyer, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    pause_now(buyer)
    assert send() == 0
    assert RechargeNotice.objects.get().state == "waiting"


def test_every_reason_that_no_person_chose_has_its_words() -> None:
    assert set(WHY) == set(PauseReason) - {PauseReason.BY_HAND, PauseReason.BY_BUYER}


def pause_now(buyer: Buyer) -> Wallet:
    wallet: Wallet = recharge_of(buyer).wallet
    assert pause(wallet.pk, reason=PauseReason.DISPUTED, at=timezone.now())
    return wallet
