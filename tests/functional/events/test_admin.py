"""Operators add subscriptions for a buyer, a source or the workspace, and see those of their workspaces alone."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from distribution.deliveries.unsubscribing import unsubscribe
from distribution.models import Endpoint, EndpointSecret, Subscription, Wallet
from tests.support.admin_pages import client_of, form_of, page, person, problems, save
from tests.support.factories import (
    BuyerFactory,
    EndpointFactory,
    SourceFactory,
    SubscriptionFactory,
    WorkspaceFactory,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

URL = "https://93.184.216.34/events"


def add(client: Any, **fields: Any) -> Any:
    url = page(Subscription, "add")
    given = {"name": "CRM", "method": "webhook", "url": URL, "events": ["lead.sold"], **fields}
    return client.post(url, {**form_of(client, url), **given})


@pytest.mark.parametrize("kind", ["buyer", "source", "workspace"])
def test_operator_subscribes_each_owner(kind: str) -> None:
    workspace = WorkspaceFactory()
    owners = {"buyer": BuyerFactory(workspace=workspace), "source": SourceFactory(workspace=workspace)}
    client = client_of(person("operator", workspace))
    chosen = {kind: owners[kind].pk} if kind in owners else {}

    answer = add(client, workspace=workspace.pk, **chosen)

    assert answer.status_code == 302, problems(answer)
    made = Subscription.objects.get()
    assert (made.owner, made.workspace, made.events) == (
        owners.get(kind, workspace),
        workspace,
        ["lead.sold"],
    )
    assert EndpointSecret.objects.filter(endpoint_id=made.pk).count() == 1
    assert AuditEntry.objects.filter(action="added", workspace_id=workspace.pk).count() == 1


def test_owner_cannot_have_every_event() -> None:
    source = SourceFactory()
    client = client_of(person("operator", source.workspace))

    answer = add(client, workspace=source.workspace.pk, source=source.pk, events=["wallet.low", "lead.sold"])

    assert problems(answer) == {"events": ["A source cannot subscribe to wallet.low. Uncheck it."]}
    assert Subscription.objects.count() == 0


def test_email_has_one_address() -> None:
    workspace = WorkspaceFactory()
    client = client_of(person("operator", workspace))

    answer = add(
        client, workspace=workspace.pk, method="email", url="", email_to="a@example.com, b@example.com"
    )

    assert list(problems(answer)) == ["email_to"]


def test_foreign_subscription_is_not_found() -> None:
    foreign = SubscriptionFactory(workspace=WorkspaceFactory())
    own = SubscriptionFactory(workspace=WorkspaceFactory())
    client = client_of(person("operator", own.workspace))

    assert client.get(page(Subscription, "change", foreign.pk)).status_code == 404
    assert client.get(page(Subscription, "change", own.pk)).status_code == 200
    text = client.get(page(Subscription, "changelist")).content.decode()
    assert own.name in text
    assert foreign.name not in text


def test_pages_of_endpoints_and_subscriptions_are_apart() -> None:
    endpoint = EndpointFactory()
    subscription = SubscriptionFactory(buyer=endpoint.buyer)
    client = client_of(person("operator", endpoint.workspace))

    assert client.get(page(Endpoint, "change", subscription.pk)).status_code == 404
    assert client.get(page(Subscription, "change", endpoint.pk)).status_code == 404


def test_events_are_changed_and_audited() -> None:
    subscription = SubscriptionFactory(workspace=WorkspaceFactory(), url=URL, events=["lead.sold"])
    client = client_of(person("operator", subscription.workspace))

    answer = save(client, Subscription, subscription, events=["lead.sold", "cap.reached"])

    assert answer.status_code == 302, problems(answer)
    subscription.refresh_from_db()
    assert subscription.events == ["lead.sold", "cap.reached"]


def test_viewer_changes_nothing() -> None:
    workspace = WorkspaceFactory()
    client = client_of(person("viewer", workspace))

    assert client.get(page(Subscription, "add")).status_code == 403


def test_wallet_has_a_limit_for_the_notice() -> None:
    buyer = BuyerFactory(credits_cents=1_000)
    client = client_of(person("finance", buyer.workspace))

    answer = save(client, Wallet, buyer.wallet, notice_below_cents="5.00", change_reason="asked for it")

    assert answer.status_code == 302, problems(answer)
    assert Wallet.objects.get(buyer=buyer).notice_below_cents == 500
    assert AuditEntry.objects.filter(action="notice").count() == 1


def rows_of(client: Client, model: type[Model], row: Model) -> dict[str, str]:
    """The rows of a page that cannot be typed into."""
    answer = client.get(page(model, "change", row.pk))
    shown: dict[str, str] = {}
    for fieldset in answer.context["adminform"]:
        for line in fieldset:
            for field in line:
                if field.is_readonly:
                    shown[field.field["name"]] = field.contents()
    return shown


def links_of(client: Client, model: type[Model], row: Model) -> list[str]:
    return [each["title"] for each in client.get(page(model, "change", row.pk)).context["page_links"]]


def test_secret_is_not_for_a_buyer() -> None:
    workspace = WorkspaceFactory()
    client = client_of(person("operator", workspace))

    answer = client.get(add(client, workspace=workspace.pk).url)

    [line, _] = [str(each) for each in answer.context["messages"]]
    assert line.startswith("The secret of CRM is: whsec_")
    assert line.endswith(
        ". Store it in the program that gets the events now: you will not be able to see it again."
    )


class TestLowWallets:
    """The limit of a notice is on the page of the wallet, and who hears of it on that of the subscription."""

    def test_pages_name_each_other(self) -> None:
        buyer = BuyerFactory(credits_cents=1_000)
        subscription = SubscriptionFactory(buyer=buyer, name="Books", url=URL, events=["wallet.low"])
        agency = SubscriptionFactory(workspace=buyer.workspace, name="Desk", url=URL, events=["wallet.low"])
        SubscriptionFactory(buyer=buyer, name="Sales", url=URL, events=["lead.sold"])
        SubscriptionFactory(buyer=buyer, name="Off", url=URL, events=["wallet.low"], active=False)
        client = client_of(person("admin", buyer.workspace))

        assert rows_of(client, Wallet, buyer.wallet)["heard_by"] == f"{subscription}, {agency}"
        assert links_of(client, Wallet, buyer.wallet) == ["Statement", "Subscriptions"]
        assert rows_of(client, Subscription, subscription)["low_limits"] == (
            "Not set, so wallet.low is never sent. Set Notice below on the page of the wallet."
        )
        assert links_of(client, Subscription, subscription)[-1] == "Wallet"
        assert rows_of(client, Subscription, agency)["low_limits"] == (
            "Wallets with a limit: 0 of 1. Set Notice below on the page of each."
        )
        assert links_of(client, Subscription, agency)[-1] == "Wallets"

    def test_limit_is_shown(self) -> None:
        buyer = BuyerFactory(credits_cents=1_000)
        Wallet.objects.filter(buyer=buyer).update(notice_below_cents=500)
        subscription = SubscriptionFactory(buyer=buyer, url=URL, events=["wallet.low"])
        agency = SubscriptionFactory(workspace=buyer.workspace, url=URL, events=["wallet.low"])
        client = client_of(person("operator", buyer.workspace))

        limits = rows_of(client, Subscription, subscription)["low_limits"]
        assert limits == "$5.00, set on the page of the wallet."
        limits = rows_of(client, Subscription, agency)["low_limits"]
        assert limits == "Wallets with a limit: 1 of 1. Set Notice below on the page of each."

    def test_nobody_hears(self) -> None:
        buyer = BuyerFactory(credits_cents=1_000)
        SubscriptionFactory(workspace=WorkspaceFactory(), events=["wallet.low"])
        client = client_of(person("finance", buyer.workspace))

        assert rows_of(client, Wallet, buyer.wallet)["heard_by"] == (
            "Nobody: no active subscription has wallet.low. Add one under Subscriptions."
        )

    def test_other_events_have_no_limit(self) -> None:
        subscription = SubscriptionFactory(buyer=BuyerFactory(), url=URL, events=["lead.sold"])
        client = client_of(person("operator", subscription.workspace))

        assert "low_limits" not in rows_of(client, Subscription, subscription)


class TestEmailNotices:
    @pytest.fixture
    def subscription(self) -> Subscription:
        made: Subscription = SubscriptionFactory(
            buyer=BuyerFactory(), method="email", url="", email_to="ann@example.com"
        )
        return made

    @pytest.mark.parametrize(
        ("host", "base_url", "shown"),
        [
            ("", "https://leads.example.com", "sends nothing: set EMAIL_URL (docs/deliveries.md)"),
            ("mail.example.com", "", "sends nothing: set LEADSWITCH_BASE_URL (docs/deliveries.md)"),
            ("mail.example.com", "https://leads.example.com", "live"),
        ],
    )
    def test_state_names_the_setting_that_is_missing(
        self, subscription: Subscription, settings: Any, host: str, base_url: str, shown: str
    ) -> None:
        settings.EMAIL_HOST, settings.LEADSWITCH_BASE_URL = host, base_url
        client = client_of(person("operator", subscription.workspace))

        assert rows_of(client, Subscription, subscription)["standing"] == shown

    def test_page_says_that_the_person_unsubscribed(self, subscription: Subscription) -> None:
        client = client_of(person("operator", subscription.workspace))
        assert "unsubscribed" not in rows_of(client, Subscription, subscription)

        unsubscribe(subscription, at=timezone.now())

        shown = rows_of(client, Subscription, subscription)["unsubscribed"]
        assert shown.endswith(
            " UTC, with the link in an email. Check Active again only if the person asks for it."
        )

    def test_page_of_one_that_an_operator_turned_off_says_nothing_of_it(
        self, subscription: Subscription
    ) -> None:
        client = client_of(person("operator", subscription.workspace))
        Subscription.objects.filter(pk=subscription.pk).update(active=False)

        assert "unsubscribed" not in rows_of(client, Subscription, subscription)


class TestConstraints:
    def refuses(self, constraint: str, **fields: Any) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            SubscriptionFactory(**fields)

    def test_one_owner(self) -> None:
        workspace = WorkspaceFactory()
        buyer, source = BuyerFactory(workspace=workspace), SourceFactory(workspace=workspace)
        self.refuses("endpoint_one_owner", buyer=buyer, source=source)

    def test_leads_are_for_buyers(self) -> None:
        self.refuses("endpoint_of_leads_has_a_buyer", source=SourceFactory(), events=[])

    def test_events_have_no_template(self) -> None:
        self.refuses("endpoint_events_by_webhook_or_email", buyer=BuyerFactory(), method="http")

    def test_purpose_is_fixed(self) -> None:
        subscription = SubscriptionFactory(buyer=BuyerFactory())
        with pytest.raises(IntegrityError, match="gets either leads, events or pings"), transaction.atomic():
            Endpoint.objects.filter(pk=subscription.pk).update(events=[])

    def test_workspace_is_that_of_the_owner(self) -> None:
        buyer = BuyerFactory()
        made = SubscriptionFactory(buyer=buyer, workspace=WorkspaceFactory())
        assert Subscription.objects.get(pk=made.pk).workspace == buyer.workspace
