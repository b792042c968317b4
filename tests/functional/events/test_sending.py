"""Events arrive at a real server, signed, as the catalog says, and by email for people."""

import json
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import jsonschema
import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.ended_subscriptions import turn_off
from distribution.deliveries.event_content import audience_of
from distribution.deliveries.payloads.catalog import CATALOG, describe_message
from distribution.models import (
    Assignment,
    Buyer,
    Delivery,
    DeliveryTry,
    Enrollment,
    PauseReason,
    Subscription,
    Wallet,
)
from distribution.payments.pausing import pause
from distribution.returns.by_hand import return_by_hand
from distribution.selfservice.approvals import approve
from distribution.selfservice.author import Author
from routing.models import Source, Workspace
from tests.support.admin_pages import ask_for_a_new_name
from tests.support.buyer_system import BuyerSystem, Reply, buyer_system
from tests.support.delivering import claim_and_try, deliver_due, record, sign
from tests.support.factories import (
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    RechargeFactory,
    SubscriptionFactory,
)
from tests.support.holds import asking_campaign, lead_of, open_hold, reject
from tests.support.mail_server import Mailbox
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db

OWNERS: dict[type[object], str] = {Buyer: "buyer", Source: "source", Workspace: "workspace"}


def subscribe_server(system: BuyerSystem, owner: Any, *events: str) -> tuple[Subscription, str]:
    chosen = {"events": list(events)} if events else {}
    made = SubscriptionFactory(
        **{OWNERS[type(owner)]: owner}, url=system.url, timeout_seconds=2, max_in_flight=100, **chosen
    )
    return made, sign(made)


def check(asked: Any, *, secret: str, subscription: Subscription) -> dict[str, Any]:
    """The signature by the library of Standard Webhooks, the body by the schema."""
    message: dict[str, Any] = Webhook(secret).verify(asked.body, dict(asked.headers))
    schema = describe_message(message["type"], audience_of(subscription))
    checker = jsonschema.Draft202012Validator
    checker(schema, format_checker=checker.FORMAT_CHECKER).validate(message)
    return message


def make_everything_happen() -> tuple[Enrollment, Any]:
    """Each kind of event, for all of its owners."""
    enrollment = EnrollmentFactory(buyer__credits_cents=100_000, cap_day=2)
    Wallet.objects.filter(buyer=enrollment.buyer).update(notice_below_cents=99_999)
    return enrollment, LeadFactory(source__workspace=enrollment.campaign.workspace, external_id="form-1")


def test_every_event_is_sent_as_the_catalog_says() -> None:
    enrollment, lead = make_everything_happen()
    source, workspace = lead.source, enrollment.campaign.workspace
    recharge = RechargeFactory(wallet=Wallet.objects.get(buyer=enrollment.buyer))
    with buyer_system() as system, buyer_system() as crm:
        EndpointFactory(buyer=enrollment.buyer, url=crm.url)
        sign(enrollment.buyer.endpoints.get())
        subscriptions = [subscribe_server(system, owner) for owner in (enrollment.buyer, source, workspace)]
        pause(recharge.wallet_id, reason=PauseReason.DECLINED, at=timezone.now())  # wallet.recharge_failed
        distribute_lead(lead.pk)
        crm.answer_with(Reply(200), Reply(422))
        deliver_due()  # the lead: assignment.delivered
        second = LeadFactory(source=source)
        distribute_lead(second.pk)  # the cap is reached
        distribute_lead(LeadFactory(source=source).pk)
        Enrollment.objects.update(lead_filter={"field": "state", "op": "in", "value": ["AK"]})
        distribute_lead(LeadFactory(source=source).pk)  # lead.unsold, campaign.unsold
        asked = ask_for_a_new_name(enrollment.buyer)
        approve(asked.pk, by=Author("ann", timezone.now(), "agreed"))  # change.decided
        return_by_hand(Assignment.objects.get(lead=lead), reason="bad phone", actor="ann", at=timezone.now())
        deliver_due()  # assignment.rejected
        deliver_due()

    found: dict[str, set[str]] = {}
    by_id = {str(each.message_id): each.endpoint_id for each in Delivery.objects.exclude(event=None)}
    known = {row.pk: (row, secret) for row, secret in subscriptions}
    for asked in system.asked:
        row, secret = known[by_id[asked.headers["webhook-id"]]]
        message = check(asked, secret=secret, subscription=row)
        found.setdefault(audience_of(row), set()).add(message["type"])
    assert found == {
        audience: {kind for kind, row in CATALOG.items() if audience in row.data}
        for audience in ("buyer", "source", "workspace")
    }
    assert not Delivery.objects.exclude(event=None).exclude(state="accepted").exists()


def test_every_try_sends_the_same_message(system: BuyerSystem) -> None:
    enrollment, lead = make_everything_happen()
    subscription, secret = subscribe_server(system, enrollment.buyer, "lead.sold")
    distribute_lead(lead.pk)
    system.answer_with(Reply(503), Reply(200))

    deliver_due()
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.tries) == ("pending", 1)
    [failed_at] = DeliveryTry.objects.values_list("finished_at", flat=True)
    assert timedelta(seconds=4) <= waiting.next_try_at - failed_at <= timedelta(seconds=6)
    deliver_due(at=waiting.next_try_at)

    first, second = system.asked
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(waiting.message_id)
    assert check(second, secret=secret, subscription=subscription)["id"] == str(waiting.event_id)
    assert Delivery.objects.get().state == "accepted"


def test_event_is_given_up_after_the_last_try(system: BuyerSystem) -> None:
    enrollment, lead = make_everything_happen()
    subscribe_server(system, enrollment.buyer, "lead.sold")
    distribute_lead(lead.pk)
    Delivery.objects.update(tries=9)
    system.answer_with(Reply(503))

    deliver_due()

    ended = Delivery.objects.get()
    assert (ended.state, ended.end_reason, ended.tries) == ("cancelled", "all tries failed", 10)


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (503, ("cancelled", "subscription_ended")),
        (200, ("accepted", "")),
        (422, ("rejected", "answered 422")),
    ],
)
def test_message_that_is_being_sent_when_its_subscription_ends_is_not_tried_again(
    system: BuyerSystem, status: int, end: tuple[str, str]
) -> None:
    enrollment, lead = make_everything_happen()
    subscription, _ = subscribe_server(system, enrollment.buyer, "lead.sold")
    distribute_lead(lead.pk)
    system.answer_with(Reply(status))

    tries = claim_and_try()
    turn_off(subscription, actor="key", action="ended", reason="API", at=timezone.now())
    record(tries)

    ended = Delivery.objects.get()
    assert (ended.state, ended.end_reason, ended.next_try_at) == (*end, None)


def test_gone_disables_the_subscription(system: BuyerSystem) -> None:
    _, lead = make_everything_happen()
    subscription, _ = subscribe_server(system, lead.source, "lead.sold")
    distribute_lead(lead.pk)
    system.answer_with(Reply(410))

    deliver_due()

    subscription.refresh_from_db()
    assert (subscription.disabled_reason, subscription.is_live) == ("gone_410", False)
    assert Delivery.objects.get().state == "rejected"


def test_subscription_without_success_for_120_hours_is_disabled(
    system: BuyerSystem, settings: Any, mailbox: Mailbox, django_capture_on_commit_callbacks: Any
) -> None:
    """The agency gets a mail that leads to the page of the subscription."""
    settings.LEADSWITCH_DIGEST_RECIPIENTS = ("ops@example.com",)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    enrollment, lead = make_everything_happen()
    subscription, _ = subscribe_server(system, enrollment.buyer, "lead.sold")
    system.answer_with(Reply(500))
    distribute_lead(lead.pk)
    begun = timezone.now()
    deliver_due(at=begun)

    for hours, reason in ((119, ""), (120, "no_success_120h")):
        Delivery.objects.update(state="pending", next_try_at=begun, ended_at=None)
        with django_capture_on_commit_callbacks(execute=True):
            deliver_due(at=begun + timedelta(hours=hours))
        subscription.refresh_from_db()
        assert (subscription.failing_since, subscription.disabled_reason) == (begun, reason)

    distribute_lead(LeadFactory(source=lead.source).pk)
    assert Delivery.objects.count() == 1
    wait_until(lambda: bool(mailbox.mails), what="the mail")
    [(address, message)] = mailbox.mails
    assert (address, message["subject"]) == (
        "ops@example.com",
        f"LeadSwitch disabled a subscription of {enrollment.buyer.name}",
    )
    page = f"/admin/distribution/subscription/{subscription.pk}/change/"
    assert page in message.get_content()


def test_words_of_a_buyer_are_in_no_event() -> None:
    campaign = asking_campaign(buyers=1)
    lead = lead_of(campaign, at=timezone.now())
    distribute_lead(lead.pk)
    with buyer_system() as system:
        subscribe_server(system, campaign.workspace, "assignment.rejected")
        reject(open_hold(lead), at=timezone.now(), reason="ask Grace, grace@example.com")
        record(claim_and_try())

    [asked] = [each for each in system.asked if b"assignment.rejected" in each.body]
    assert b"race" not in asked.body
    assert json.loads(asked.body)["data"]["was_charged"] is False


def read_link(message: EmailMessage) -> str:
    return "".join(message["List-Unsubscribe"].split()).strip("<>")


class TestEmail:
    def notify(self, owner: Any, *events: str) -> Subscription:
        made: Subscription = SubscriptionFactory(
            **{OWNERS[type(owner)]: owner},
            method="email",
            url="",
            email_to="ann@example.com",
            events=list(events),
        )
        return made

    def test_person_gets_a_mail_with_a_link(self, mailbox: Mailbox) -> None:
        enrollment, lead = make_everything_happen()
        self.notify(enrollment.buyer, "wallet.low")
        distribute_lead(lead.pk)

        deliver_due()

        [(_, message)] = mailbox.mails
        assert message["to"] == "ann@example.com"
        assert message["subject"] == f"Wallet is low: {enrollment.buyer.name}"
        link = read_link(message)
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        lines = message.get_content().splitlines()
        assert lines[-1] == f'This address is subscribed to "Wallet is low". Unsubscribe: {link}'
        assert lines[0] == "What a wallet has available fell below the limit for a notice."
        assert "Available: $975.00" in lines
        assert "Notice below: $999.99" in lines

    def test_link_unsubscribes(self, client: Any, settings: Any, mailbox: Mailbox) -> None:
        enrollment, lead = make_everything_happen()
        subscription = self.notify(enrollment.buyer, "lead.sold")
        distribute_lead(lead.pk)
        deliver_due()
        path = read_link(mailbox.mails[0][1]).removeprefix(settings.LEADSWITCH_BASE_URL)

        asked = client.get(path)
        subscription.refresh_from_db()
        assert (asked.status_code, subscription.active) == (200, True)
        done = client.post(path, {"List-Unsubscribe": "One-Click"})

        subscription.refresh_from_db()
        assert (done.status_code, subscription.active) == (200, False)
        assert "<li>a lead was sold</li>" in asked.content.decode()
        assert "You are unsubscribed." in done.content.decode()
        distribute_lead(LeadFactory(source=lead.source).pk)
        assert Delivery.objects.filter(endpoint_id=subscription.pk).count() == 1

    def test_changed_link_is_not_found(self, client: Any) -> None:
        for answer in (client.get("/unsubscribe/abc:def/"), client.post("/unsubscribe/abc:def/")):
            assert answer.status_code == 404
            assert "This link does not work." in answer.content.decode()

    def test_notice_without_a_link_to_unsubscribe_is_not_sent(self, settings: Any, mailbox: Mailbox) -> None:
        settings.LEADSWITCH_BASE_URL = ""
        enrollment, lead = make_everything_happen()
        self.notify(enrollment.buyer, "lead.sold")
        distribute_lead(lead.pk)
        deliver_due()

        assert mailbox.mails == []
        tried = DeliveryTry.objects.get()
        assert (tried.outcome, tried.error, tried.request_head) == ("not_sent", "no_base_url", "")
        assert Delivery.objects.get().state == "pending"
