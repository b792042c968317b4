"""Buyers' keys: how they are created, which keys get access, and what a refusal reveals."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from distribution.models import PRESETS, Buyer, BuyerKey, BuyerScope
from tests.support.admin_pages import client_of, form_of, page
from tests.support.factories import BuyerFactory, SourceFactory, issue_buyer_key, issue_key
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

ME = "/api/v1/buyer/me/"
NEW_BUYER_KEY = "The agency can issue a new one in the admin, under Buyer keys."
UNKNOWN_BUYER_KEY = f"Unknown or revoked buyer key. Check that you copied the whole key. {NEW_BUYER_KEY}"
UNKNOWN_SOURCE_KEY = (
    "Unknown or revoked source key. Check that you copied the whole key."
    " The agency can issue a new one in the admin, under Source keys."
)


@pytest.fixture
def buyer() -> Buyer:
    return BuyerFactory.create(name="Acme Roofing")


def ask(key: str | None, url: str = ME) -> Any:
    headers = {} if key is None else {"Authorization": f"Api-Key {key}"}
    return Client().get(url, headers=headers)


def assert_refused(response: Any, message: str) -> None:
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Api-Key realm="leadswitch"'
    assert response.json() == {"error": {"code": "unauthorized", "message": message}}


def run(**options: Any) -> str:
    out = io.StringIO()
    arguments = [f"--{name}={value}" for name, value in options.items()]
    call_command("keys", "create", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_key_of_the_command_works_and_is_not_stored(buyer: Buyer) -> None:
    text = run(buyer="acme roofing")
    assert ask(text).json()["id"] == str(buyer.public_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(k)::text FROM distribution_buyerkey k")
        (stored,) = cursor.fetchone()
    assert text.partition(".")[2] not in stored


@pytest.mark.parametrize("name", ["public_id", "pk", "name"])
def test_command_finds_the_buyer(buyer: Buyer, name: str) -> None:
    run(buyer=str(getattr(buyer, name)))
    assert BuyerKey.objects.get().buyer == buyer


def test_key_is_valid_until_the_end_of_its_last_day_for_the_buyer(buyer: Buyer) -> None:
    run(buyer=buyer.name, expires=datetime(2199, 1, 31, tzinfo=UTC).date())
    assert BuyerKey.objects.get().expiry_date == datetime(2199, 2, 1, 5, tzinfo=UTC)  # midnight in New York


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"buyer": "Nobody"}, r"no buyer 'Nobody'; choose one of 'Acme Roofing' \(.+\)"),
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC).date()}, "its expiry date is in the past"),
        ({"name": "x" * 51}, "at most 50 characters"),
        ({"workspace": "elsewhere"}, "there is no buyer 'Acme Roofing'; none exists yet"),
    ],
)
@pytest.mark.usefixtures("buyer")
def test_wrong_options_create_nothing(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError, match=says) as caught:
        run(**{"buyer": "Acme Roofing", **options})
    assert caught.value.returncode == 2
    assert BuyerKey.objects.count() == 0


def test_ambiguous_name_needs_the_workspace(buyer: Buyer) -> None:
    twin = BuyerFactory(name=buyer.name)
    with pytest.raises(CommandError, match="more than one buyer is"):
        run(buyer=buyer.name)
    run(buyer=buyer.name, workspace=twin.workspace.slug)
    assert BuyerKey.objects.get().buyer == twin


def test_keys_of_sources_and_buyers_open_only_their_own_routes(buyer: Buyer) -> None:
    leads = "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/"
    assert_refused(ask(issue_key(SourceFactory.create())), UNKNOWN_BUYER_KEY)
    assert_refused(ask(issue_buyer_key(buyer), leads), UNKNOWN_SOURCE_KEY)
    assert_refused(ask(issue_buyer_key(buyer), f"{leads}trace/"), UNKNOWN_SOURCE_KEY)


def test_missing_or_invalid_key_is_refused(buyer: Buyer) -> None:
    assert_refused(ask(None), "No API key. Send the header `Authorization: Api-Key KEY`.")
    assert_refused(ask("x"), UNKNOWN_BUYER_KEY)
    assert_refused(ask(f"{issue_buyer_key(buyer).partition('.')[0]}.{'x' * 32}"), UNKNOWN_BUYER_KEY)


def test_expired_and_revoked_keys_are_refused(buyer: Buyer) -> None:
    text = issue_buyer_key(buyer, expiry_date=timezone.now() - timedelta(seconds=1))
    assert_refused(ask(text), f"This buyer key has expired. {NEW_BUYER_KEY}")
    BuyerKey.objects.update(expiry_date=timezone.now() + timedelta(hours=1))
    assert ask(text).status_code == 200
    BuyerKey.objects.update(revoked=True)
    assert_refused(ask(text), f"This buyer key was revoked. {NEW_BUYER_KEY}")


SCOPES = {
    "me/": "account:read",
    "wallet/": "wallet:read",
    "ledger/": "wallet:read",
    "assignments/": "assignments:read",
    "missed/": "missed:read",
}
SCOPES_OF_FORMER_READ = ("account:read", "wallet:read", "assignments:read", "missed:read")


@pytest.mark.parametrize(("path", "scope"), SCOPES.items())
def test_each_route_needs_its_own_scope(buyer: Buyer, path: str, scope: str) -> None:
    text = issue_buyer_key(buyer, scopes=sorted({*SCOPES.values(), "something-else"} - {scope}))
    response = ask(text, f"/api/v1/buyer/{path}")

    assert response.status_code == 403
    assert response.json()["error"] == {
        "code": "forbidden",
        "message": f"This key does not have the scope `{scope}`. An operator can grant it.",
    }
    assert ask(issue_buyer_key(buyer, scopes=[scope]), f"/api/v1/buyer/{path}").status_code == 200


def test_key_with_the_former_scope_is_shown_and_changed_like_any_other(buyer: Buyer) -> None:
    issue_buyer_key(buyer, scopes=["read"])
    client, key = client_of(User.objects.create_superuser("root")), BuyerKey.objects.get()
    url = page(BuyerKey, "change", key.pk)
    form = form_of(client, url)
    assert form["scopes"] == list(SCOPES_OF_FORMER_READ)

    client.post(url, {**form, "name": "renamed"})
    [entry] = AuditEntry.objects.all()
    assert (entry.before, entry.after) == ({"name": "test"}, {"name": "renamed"})

    client.post(url, {**form_of(client, url), "scopes": ["account:read"]})
    assert BuyerKey.objects.get().scopes == ["account:read"]


def test_key_with_the_former_scope_reads_all_that_it_could(buyer: Buyer) -> None:
    text = issue_buyer_key(buyer, scopes=["read"])

    assert {ask(text, f"/api/v1/buyer/{path}").status_code for path in SCOPES} == {200}
    assert ask(text).json()["key"]["scopes"] == sorted(set(SCOPES.values()), key=[*SCOPES.values()].index)


def test_key_without_a_scope_cannot_be_stored(buyer: Buyer) -> None:
    with pytest.raises(IntegrityError, match="buyerkey_has_a_scope"):
        issue_buyer_key(buyer, scopes=[])


def test_paused_buyer_can_read_the_reason(buyer: Buyer) -> None:
    buyer.paused_at = timezone.now()
    buyer.save(update_fields=["paused_at"])
    assert ask(issue_buyer_key(buyer)).json()["paused_at"] is not None


def test_admin_shows_a_new_key_once(buyer: Buyer) -> None:
    client = client_of(User.objects.create_superuser("root"))
    form = {"name": "reports", "buyer": buyer.pk, "scopes": ["account:read"]}

    response = client.post(page(BuyerKey, "add"), form, follow=True)

    [message] = [str(message) for message in response.context["messages"] if "API key" in str(message)]
    text = message.split(" is: ")[1].split(". ")[0]
    assert ask(text).status_code == 200
    key = BuyerKey.objects.get()
    assert key.scopes == ["account:read"]
    assert text not in client.get(page(BuyerKey, "change", key.pk)).content.decode()
    refused = client.post(page(BuyerKey, "add"), {**form, "scopes": ["rule"]})
    assert "scopes" in refused.context["adminform"].form.errors


def test_new_key_changes_no_account_and_moves_no_money(buyer: Buyer) -> None:
    run(buyer=buyer.name)

    granted = set(BuyerKey.objects.get().scopes)
    assert granted == {
        *SCOPES_OF_FORMER_READ,
        *("returns:read", "returns:write", "subscriptions:read", "subscriptions:write"),
    }


def test_every_scope_is_in_a_preset() -> None:
    assert {code for codes in PRESETS.values() for code in codes} == set(BuyerScope)
    assert "money:write" not in PRESETS["write"]
    assert not [code for code in PRESETS["read"] if code.endswith(":write")]


def test_command_expands_presets(buyer: Buyer) -> None:
    run(buyer=buyer.name, scope="read")
    assert set(BuyerKey.objects.get().scopes) == set(PRESETS["read"])


def test_form_offers_presets_and_stores_their_scopes(buyer: Buyer) -> None:
    client = client_of(User.objects.create_superuser("root"))
    sent = {"name": "portal", "buyer": buyer.pk, "scopes": ["missed:read"], "presets": ["money"]}
    client.post(page(BuyerKey, "add"), {**sent, "change_reason": "asked"})
    key = BuyerKey.objects.get()
    assert sorted(key.scopes) == ["missed:read", "money:write", "wallet:read"]

    url = page(BuyerKey, "change", key.pk)
    client.post(url, {**form_of(client, url), "presets": ["write"]})
    key.refresh_from_db()
    assert set(key.scopes) == {"missed:read", "wallet:read", "money:write", *PRESETS["write"]}
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, set(entry.after)) == ("changed", {"scopes"})
