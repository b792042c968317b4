"""The page of an endpoint: its form by method, its secret, its buttons, and a test lead with the raw answer."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import resolve
from distribution.models import Buyer, Delivery, DeliveryState, Endpoint, EndpointSecret
from tests.support.admin_pages import client_of, endpoint_act, form_of, page, person, problems, save, texts
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import deliver_due, sign
from tests.support.factories import (
    CampaignFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    give_credits,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("db", "allowed_here")


def add(client: Client, buyer: Buyer, **fields: Any) -> Any:
    url = page(Endpoint, "add")
    return client.post(url, {**form_of(client, url), "buyer": buyer.pk, "name": "CRM", **fields}, follow=True)


def test_new_webhook_shows_its_secret_once(operator: Client, buyer: Buyer, system: BuyerSystem) -> None:
    response = add(operator, buyer, method="webhook", url=system.url)

    endpoint, secret = Endpoint.objects.get(), EndpointSecret.objects.get()
    assert (endpoint.buyer, endpoint.url) == (buyer, system.url)
    assert any(secret.secret in text for text in texts(response))
    shown = operator.get(page(Endpoint, "change", endpoint.pk)).content.decode()
    assert secret.secret not in shown
    assert not AuditEntry.objects.filter(after__icontains=secret.secret).exists()


def test_new_secret_signs_with_the_old_one_for_a_day(operator: Client, buyer: Buyer) -> None:
    endpoint = EndpointFactory(buyer=buyer)
    for _ in range(2):
        operator.post(endpoint_act(endpoint, "secret"), {"reason": "they changed their system"})

    old, new = EndpointSecret.objects.order_by("pk")
    assert old.expires_at is not None
    assert new.expires_at is None
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "reason"))
    assert actions == [
        ("first secret", "they changed their system"),
        ("new secret", "they changed their system"),
    ]


def test_second_click_makes_no_second_secret(operator: Client, buyer: Buyer) -> None:
    endpoint = EndpointFactory(buyer=buyer)
    url = endpoint_act(endpoint, "secret")
    form = {"seen": operator.get(url).context["form"].initial["seen"], "reason": "it leaked"}
    answers = [operator.post(url, form).status_code for _ in range(2)]
    assert (answers, EndpointSecret.objects.count()) == ([302, 400], 1)


def test_secrets_that_were_made_in_a_hurry_all_sign(buyer: Buyer, system: BuyerSystem) -> None:
    """One endpoint signs with five secrets at most: the newest."""
    endpoint = EndpointFactory(buyer=buyer, url=system.url)
    secrets = [sign(endpoint) for _ in range(7)]
    delivery = DeliveryFactory(endpoint=endpoint)

    deliver_due()

    delivery.refresh_from_db()
    assert delivery.state == "accepted"
    [asked] = system.asked
    for secret in secrets[2:]:
        Webhook(secret).verify(asked.body, dict(asked.headers))
    for secret in secrets[:2]:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(asked.body, dict(asked.headers))
    assert EndpointSecret.objects.count() == 5


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"method": "webhook", "url": ""}, "url", "This method needs it."),
        ({"method": "webhook", "url": "https://10.0.0.1/"}, "url", "private address"),
        ({"method": "email", "email_to": "office"}, "email_to", "office is not an email address."),
        ({"method": "http", "template": '{"a": "{nothing}"}'}, "template", "a: "),
        (
            {"method": "http", "template": '{"a": "{zip}"}', "new_headers": '{"Host": "x"}'},
            "new_headers",
            "Host",
        ),
        ({"method": "http", "new_headers": "[]"}, "new_headers", "must be an object"),
        ({"method": "http", "new_headers": "false"}, "new_headers", "must be an object"),
        ({"method": "http", "template": '{"a": "{zip}"}', "price_path": "a[["}, "price_path", "a[["),
    ],
    ids=["no URL", "private URL", "address", "template", "header", "list", "flag", "path"],
)
def test_settings_that_cannot_work_are_refused_at_their_field(
    operator: Client, buyer: Buyer, system: BuyerSystem, fields: dict[str, str], field: str, message: str
) -> None:
    response = add(operator, buyer, **{"url": system.url, **fields})

    assert message in " ".join(problems(response)[field])
    assert not Endpoint.objects.exists()


def test_refused_address_is_not_called_missing_too(operator: Client, buyer: Buyer) -> None:
    response = add(operator, buyer, method="webhook", url="ftp://crm.example.com/")

    assert problems(response) == {
        "url": ["The URL does not begin with https://. Use one such as https://leads.example.com/new."]
    }


def test_headers_are_never_shown_and_stay_unless_typed(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    template = '{"zip": "{zip}"}'
    add(operator, buyer, method="http", url=system.url, template=template, new_headers='{"X-Key": "abc-def"}')
    endpoint = Endpoint.objects.get()
    content = operator.get(page(Endpoint, "change", endpoint.pk)).content.decode()
    assert "X-Key" in content
    assert "abc-def" not in content

    save(operator, Endpoint, endpoint, name="Other CRM")

    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.headers) == ("Other CRM", {"X-Key": "abc-def"})
    save(operator, Endpoint, endpoint, new_headers="{}")
    endpoint.refresh_from_db()
    assert endpoint.headers == {}
    assert not AuditEntry.objects.filter(after__icontains="abc-def").exists()


def test_other_method_clears_what_it_does_not_use(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    endpoint = EndpointFactory(
        buyer=buyer, method="http", url=system.url, template={"zip": "{zip}"}, headers={"X-Key": "abc"}
    )

    save(operator, Endpoint, endpoint, method="email", email_to="office@example.com")

    endpoint.refresh_from_db()
    assert (endpoint.method, endpoint.url, endpoint.template, endpoint.headers) == ("email", "", {}, {})


def test_test_lead_shows_the_request_and_the_raw_answer(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    system.answer_with(Reply(422, '{"why": "unknown vertical"}'))
    endpoint = EndpointFactory(
        buyer=buyer,
        method="http",
        url="https://crm.example.com/",
        test_url=system.url,
        template={"zip": "{zip}"},
    )
    shown = operator.get(endpoint_act(endpoint, "test")).content.decode()
    assert "marked as a test" in shown
    assert f"It goes to the test URL {system.url}." in shown
    assert "live_address" not in shown
    assert system.asked == []

    content = operator.post(endpoint_act(endpoint, "test")).content.decode()

    assert [each.body for each in system.asked] == [b'{"zip": "30312"}']
    assert "Rejected: answered 422" in content
    assert "unknown vertical" in content
    assert not Delivery.objects.exists()


def test_method_that_cannot_answer_is_refused_while_leads_wait(
    operator: Client, buyer: Buyer, system: BuyerSystem
) -> None:
    campaign = CampaignFactory(workspace=buyer.workspace, sells_on="acceptance")
    EnrollmentFactory(campaign=campaign, buyer=buyer)
    give_credits(buyer, amount_cents=10_000)
    endpoint = EndpointFactory(buyer=buyer, url=system.url)
    distribute_lead(LeadFactory(source__workspace=buyer.workspace).pk)
    assert Delivery.objects.get().is_direct_post

    refused = save(operator, Endpoint, endpoint, method="email", email_to="office@example.com")

    assert problems(refused)["method"] == [
        "1 lead waits for an answer of this endpoint, and this method gives none. Wait until they have ended, or"
        " decide them under Deliveries. To send leads by email too, add another endpoint."
    ]
    endpoint.refresh_from_db()
    assert (endpoint.method, endpoint.url) == ("webhook", system.url)
    Delivery.objects.update(state="unknown", next_try_at=None)
    resolve(
        Delivery.objects.get().pk, state=DeliveryState.REJECTED, at=timezone.now(), actor="ann", reason="no"
    )
    save(operator, Endpoint, endpoint, method="email", email_to="office@example.com")
    endpoint.refresh_from_db()
    assert endpoint.method == "email"


def test_disabled_endpoint_is_enabled_again(operator: Client, buyer: Buyer) -> None:
    endpoint = EndpointFactory(buyer=buyer)

    operator.post(endpoint_act(endpoint, "disable"), {"reason": "moving"})
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "by_hand"
    operator.post(endpoint_act(endpoint, "enable"), {"reason": "moved"})
    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (None, "")


@pytest.mark.parametrize("decision", ["accepted", "rejected"])
def test_operator_decides_an_unknown_delivery(operator: Client, buyer: Buyer, decision: str) -> None:
    delivery = DeliveryFactory(endpoint__buyer=buyer, state="unknown", next_try_at=None)
    content = operator.get(page(Delivery, "change", delivery.pk)).content.decode()
    assert endpoint_act(delivery, decision) in content

    operator.post(endpoint_act(delivery, decision), {"reason": "they called"})

    delivery.refresh_from_db()
    assert (delivery.state, delivery.end_reason) == (decision, "they called")


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_others_may_only_look(buyer: Buyer, role: str) -> None:
    client = client_of(person(role, buyer.workspace))
    delivery = DeliveryFactory(endpoint__buyer=buyer, state="unknown", next_try_at=None)

    assert client.get(page(Delivery, "change", delivery.pk)).status_code == 200
    assert client.post(endpoint_act(delivery, "accepted"), {"reason": "no"}).status_code == 403
    assert client.post(endpoint_act(delivery.endpoint, "test")).status_code == 403
    delivery.refresh_from_db()
    assert delivery.state == "unknown"


def test_foreign_rows_do_not_exist(operator: Client) -> None:
    delivery = DeliveryFactory(state="unknown", next_try_at=None)

    assert operator.post(endpoint_act(delivery, "accepted"), {"reason": "no"}).status_code == 404
    assert operator.post(endpoint_act(delivery.endpoint, "test")).status_code == 404
