"""A ping with contact data is refused by name. Nothing of it is stored, logged or counted by its content."""

import json
import logging
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from routing.models import Ping, Source
from tests.support.payables import build_campaign, build_source
from tests.support.pinging import PingingSource

pytestmark = pytest.mark.django_db

EMAIL = "ada.lovelace@example.com"
PHONE = "(404) 881-2345"


@pytest.fixture
def sender() -> PingingSource:
    return PingingSource(build_source(build_campaign()))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"email": EMAIL}, ["email"]),
        ({"Email Address": EMAIL}, ["email"]),
        ({"phone": "not a phone"}, ["phone"]),
        ({"full_name": "Ada Lovelace"}, ["first_name", "last_name"]),
        ({"address": "1 Main St"}, ["address"]),
        ({"attributes": {"contact_email": "none of yours"}}, ["attributes.contact_email"]),
        ({"attributes": {"comment": f"write to {EMAIL}"}}, ["attributes.comment"]),
        ({"attributes": {"best": 4048812345}}, ["attributes.best"]),
        ({"attributes": {"people": [{"note": PHONE}]}}, ["attributes.people"]),
        ({"attributes": {"a": {"b": [PHONE]}}}, ["attributes.a.b"]),
        ({"what_is_it": PHONE}, ["attributes.what_is_it"]),
        ({"city": EMAIL}, ["city"]),
        ({"consent": {"token": "cert-1", "ip": "192.0.2.1"}}, ["consent.ip"]),
        ({"consent": {"token": EMAIL}}, ["consent.token"]),
        ({"external_id": EMAIL}, ["external_id"]),
        ({"email": EMAIL, "phone": PHONE}, ["email", "phone"]),
    ],
)
def test_field_with_contact_data_is_named(
    sender: PingingSource, fields: dict[str, Any], names: list[str]
) -> None:
    response = sender.post_ping(**fields)

    error = response.json()["error"]
    assert (response.status_code, error["code"], list(error["fields"])) == (422, "contact_data", names)
    assert EMAIL not in response.content.decode()
    assert not Ping.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "", "phone": None, "first_name": "n/a"},
        {"consent": {"token": "cert-4711", "given_at": "2026-01-31T12:00:00Z"}},
        {"attributes": {"has_email": True, "built": 1987, "budget": "25,000", "timeframe": "now"}},
        {"city": "Atlanta", "state": "GA", "country": "US", "external_id": "form-1"},
    ],
)
def test_field_without_contact_data_is_accepted(sender: PingingSource, fields: dict[str, Any]) -> None:
    assert sender.ping(**fields)["outcome"] == "price"


def test_strict_source_gets_the_same_answer(sender: PingingSource) -> None:
    Source.objects.update(intake_mode="strict")

    assert sender.post_ping(email=EMAIL).json()["error"]["code"] == "contact_data"
    assert sender.post_ping(wrong="x").json()["error"]["fields"]["wrong"][0]["code"] == "unknown_field"


def test_bad_input_is_refused_as_that_of_a_lead(sender: PingingSource) -> None:
    response = sender.post_ping(zip="nowhere")

    assert (response.status_code, list(response.json()["error"]["fields"])) == (400, ["zip"])
    assert not Ping.objects.exists()


def test_nothing_of_a_ping_is_kept_or_logged(sender: PingingSource, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {"occupation": "lighthouse keeper", "mood": "melancholy"}

    sender.ping(attributes=secrets, city="Umbilicus", consent={"token": "cert-secret"})
    sender.post_ping(attributes=secrets, city="Umbilicus", email=EMAIL)

    ping = Ping.objects.get()
    kept = json.dumps(ping.digests) + str(list(Ping.objects.values()))
    seen = kept + caplog.text + generate_latest(REGISTRY).decode()
    for value in (*secrets.values(), "Umbilicus", "cert-secret", EMAIL):
        assert value not in seen
    assert set(ping.digests) == {
        *("vertical", "zip", "is_test", "city", "consent.token"),
        *("attributes.occupation", "attributes.mood"),
    }
