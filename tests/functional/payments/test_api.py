"""A buyer with curl: adds a card, buys credits, confirms a payment, sets its recharge."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Buyer, CardPayment, Recharge
from distribution.payments.payer import run_due
from distribution.payments.settings import AMOUNTS
from distribution.slow_work import OUTSIDE
from tests.support.card_provider import NEEDS_CONFIRMATION, CardProvider
from tests.support.factories import BuyerFactory, issue_buyer_key
from tests.support.paying import entries_of, give_card, pay, recharge_of
from tracing.models import AuditEntry

BASE = "/api/v1/buyer"
RECHARGE = {
    "is_on": True,
    "threshold_cents": 2_000,
    "amount_cents": 5_000,
    "day_limit_cents": 10_000,
    "week_limit_cents": 20_000,
    "month_limit_cents": 30_000,
}


class Curl:
    def __init__(self, buyer: Buyer) -> None:
        self.client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})

    def get(self, path: str) -> Any:
        return self.client.get(f"{BASE}{path}")

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method,
            f"{BASE}{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=named,
        )


@pytest.fixture
def curl(buyer: Buyer) -> Curl:
    return Curl(buyer)


def test_card_is_added_by_way_of_the_browser(provider: CardProvider, db: None) -> None:  # noqa: ARG001
    buyer = BuyerFactory()
    curl = Curl(buyer)
    assert curl.get("/card/").json() == {"is_available": True, "card": None}
    setup = curl.send("POST", "/card/setup/")
    assert (setup.status_code, setup.json()["publishable_key"]) == (201, "pk_test_12345")
    setup_id = setup.json()["setup_id"]
    early = curl.send("POST", "/card/setup/finish/", {"setup_id": setup_id})
    assert (early.status_code, early.json()["error"]["code"]) == (409, "setup_not_finished")
    provider.finish_setup(setup_id)
    added = curl.send("POST", "/card/setup/finish/", {"setup_id": setup_id})
    assert (added.status_code, added.json()["card"]["last4"]) == (201, "4242")
    assert curl.get("/card/").json() == added.json()
    assert curl.send("DELETE", "/card/").status_code == 204
    assert curl.get("/card/").json()["card"] is None


def test_setup_of_another_buyer_is_refused(curl: Curl, provider: CardProvider) -> None:
    other = Curl(BuyerFactory())
    setup_id = other.send("POST", "/card/setup/").json()["setup_id"]
    provider.finish_setup(setup_id)
    answer = curl.send("POST", "/card/setup/finish/", {"setup_id": setup_id})
    assert (answer.status_code, answer.json()["error"]["fields"]["setup_id"][0]["code"]) == (
        400,
        "unknown_setup",
    )


def test_repeated_purchase_buys_once(curl: Curl, buyer: Buyer, provider: CardProvider) -> None:
    key = str(uuid4())
    first, again = (
        curl.send("POST", "/topups/", {"amount_cents": 5_000}, Idempotency_Key=key) for _ in range(2)
    )
    assert (first.status_code, first.json()["state"]) == (202, "open")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    run_due()
    read = curl.get(f"/topups/{first.json()['id']}/").json()
    assert (read["state"], read["amount_cents"], read["failure_code"]) == ("succeeded", 5_000, None)
    assert curl.get("/topups/").json() == {"results": [read], "next_cursor": None}
    assert entries_of(buyer) == [("topup", 5_000)]
    assert len(provider.list_payments()) == 1


def test_purchase_without_a_key_is_refused(curl: Curl) -> None:
    answer = curl.send("POST", "/topups/", {"amount_cents": 5_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "idempotency_key_required")
    assert not CardPayment.objects.exists()


@pytest.mark.parametrize("cents", [None, 0, 49, 1_000_001, "x", 1.5, True])
def test_wrong_amount_is_named(curl: Curl, cents: object) -> None:
    answer = curl.send("POST", "/topups/", {"amount_cents": cents}, Idempotency_Key="k")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["amount_cents"])
    assert not CardPayment.objects.exists()


def test_second_purchase_waits_for_the_first(curl: Curl) -> None:
    assert curl.send("POST", "/topups/", {"amount_cents": 5_000}, Idempotency_Key="a").status_code == 202
    answer = curl.send("POST", "/topups/", {"amount_cents": 5_000}, Idempotency_Key="b")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "payment_pending")


def test_payment_to_be_confirmed_gives_what_the_browser_needs(
    curl: Curl, buyer: Buyer, provider: CardProvider
) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = pay(buyer)
    answer = curl.send("POST", f"/topups/{payment.public_id}/confirm/")
    assert answer.status_code == 200
    assert answer.json()["client_secret"].startswith(str(payment.provider_id))
    assert answer.json()["payment_method"] == payment.card.provider_id
    provider.refuse = 1
    assert curl.send("POST", f"/topups/{payment.public_id}/confirm/").status_code == 503


def test_payment_that_ended_is_not_confirmed(curl: Curl, buyer: Buyer) -> None:
    answer = curl.send("POST", f"/topups/{pay(buyer).public_id}/confirm/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_to_be_confirmed")


def test_recharge_is_set_and_audited(curl: Curl, buyer: Buyer) -> None:
    assert curl.get("/recharge/").json()["is_on"] is False
    changed = curl.send("PATCH", "/recharge/", RECHARGE, If_Match="*")
    assert changed.status_code == 200
    assert changed.json() == {
        **RECHARGE,
        "max_tries": 1,
        "paused_at": None,
        "pause_reason": None,
        "waits_until": None,
    }
    assert curl.get("/recharge/").json() == changed.json()
    paused = curl.send("PATCH", "/recharge/", {"is_paused": True}, If_Match="*").json()
    assert (paused["pause_reason"], paused["amount_cents"]) == ("by_buyer", 5_000)
    entries = AuditEntry.objects.filter(action="recharge", workspace_id=buyer.workspace_id)
    assert [entry.actor.startswith("key ") for entry in entries] == [True, True]


def test_recharge_is_changed_only_in_the_version_that_was_read(curl: Curl) -> None:
    first = curl.get("/recharge/").headers["ETag"]
    missing = curl.send("PATCH", "/recharge/", RECHARGE)
    assert (missing.status_code, missing.json()["error"]["code"]) == (428, "version_required")
    changed = curl.send("PATCH", "/recharge/", RECHARGE, If_Match=first)
    assert changed.status_code == 200
    fresh = curl.get("/recharge/").headers["ETag"]
    assert changed.headers["ETag"] == fresh != first
    stale = curl.send("PATCH", "/recharge/", {"month_limit_cents": 90_000}, If_Match=first)
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "stale")
    assert (stale.headers["ETag"], stale.json()["error"]["etag"]) == (fresh, fresh)
    assert Recharge.objects.get().month_limit_cents == 30_000
    assert curl.send("PATCH", "/recharge/", {"is_paused": True}, If_Match=fresh).headers["ETag"] == fresh


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_cents": 49}, "amount_cents"),
        ({"day_limit_cents": 4_999}, "day_limit_cents"),
        ({"month_limit_cents": 19_999}, "month_limit_cents"),
        ({"max_tries": 6}, "max_tries"),
        ({"is_on": "yes"}, "is_on"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_wrong_recharge_is_named(curl: Curl, change: dict[str, object], field: str) -> None:
    answer = curl.send("PATCH", "/recharge/", {**RECHARGE, **change}, If_Match="*")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
    assert curl.get("/recharge/").json()["is_on"] is False


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"is_paused": False}, AMOUNTS),
        ({"threshold_cents": 2_000, "amount_cents": 5_000}, AMOUNTS[2:]),
    ],
)
def test_first_change_names_every_amount_that_is_missing(
    curl: Curl, change: dict[str, object], missing: tuple[str, ...]
) -> None:
    answer = curl.send("PATCH", "/recharge/", change, If_Match="*")
    fields = answer.json()["error"]["fields"]
    assert (answer.status_code, tuple(fields)) == (400, missing)
    assert {each["code"] for problems in fields.values() for each in problems} == {"required"}


def test_recharge_without_a_card_is_refused(provider: CardProvider, db: None) -> None:  # noqa: ARG001
    answer = Curl(BuyerFactory()).send("PATCH", "/recharge/", RECHARGE, If_Match="*")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_card")


def test_without_an_account_reading_works_and_paying_is_refused(settings: Any, db: None) -> None:  # noqa: ARG001
    settings.LEADSWITCH_STRIPE = None
    curl = Curl(BuyerFactory())
    assert curl.get("/card/").json() == {"is_available": False, "card": None}
    for path, body in (("/card/setup/", None), ("/card/setup/finish/", {"setup_id": "seti_1"})):
        assert curl.send("POST", path, body).json()["error"]["code"] == "no_cards"
    answer = curl.send("POST", "/topups/", {"amount_cents": 5_000}, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_cards")


@pytest.mark.parametrize(("before", "after"), [("declined", "by_buyer"), ("by_hand", "by_hand")])
def test_pause_of_the_buyer_is_kept_by_a_payment_that_succeeds(
    curl: Curl, buyer: Buyer, before: str, after: str
) -> None:
    recharge_of(buyer, paused_at=timezone.now(), pause_reason=before)
    paused = curl.send("PATCH", "/recharge/", {"is_paused": True}, If_Match="*")
    assert paused.json()["pause_reason"] == after
    pay(buyer)
    assert Recharge.objects.get(wallet__buyer=buyer).pause_reason == after


def test_setup_that_finds_no_place_is_refused_at_once(curl: Curl, provider: CardProvider) -> None:
    sent = len(provider.requests)
    with OUTSIDE.take(), OUTSIDE.take():
        answer = curl.send("POST", "/card/setup/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert len(provider.requests) == sent


def test_pause_of_the_agency_is_ended_by_the_agency(curl: Curl, buyer: Buyer) -> None:
    recharge_of(buyer, paused_at=timezone.now(), pause_reason="by_hand")
    answer = curl.send("PATCH", "/recharge/", {"is_paused": False}, If_Match="*")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "paused_by_agency")
    assert Recharge.objects.get(wallet__buyer=buyer).pause_reason == "by_hand"
