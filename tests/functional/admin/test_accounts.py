"""The page "Accounts": balances of one workspace that sum to $0.00, and the lists of their movements."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from distribution.models import Account, Buyer
from distribution.money import balances
from distribution.money.balances import AccountBalance, TooManyEntries, read_balances
from distribution.money.card_movements import charge_back
from distribution.money.wallet import adjust, top_up
from distribution.payables.book import book_payment
from distribution.slow_work import SUMS
from routing.models import Workspace
from tests.support.admin_pages import client_of, person
from tests.support.blocking import holding
from tests.support.factories import BuyerFactory, LeadFactory, WorkspaceFactory
from tests.support.holds import asking_campaign, lead_of
from tests.support.payables import build_campaign, build_source
from tests.support.planting import plant

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
LOCKED = "LOCK TABLE distribution_ledgerentry IN ACCESS EXCLUSIVE MODE"
ACCOUNTS = "admin:distribution_ledgerentry_accounts"


def sell_one() -> Workspace:
    """A buyer paid $100.00 by card and $20.00 by check and bought a lead for $25.00; its source earned $5.00."""
    campaign = build_campaign(buyers=1)
    buyer = Buyer.objects.get(workspace=campaign.workspace)
    adjust(buyer.pk, amount_cents=-1_000_000, key="empty", actor="ann", reason="empty")
    top_up(buyer.pk, amount_cents=10_000, key="pay", actor="stripe", clearing="card")
    top_up(buyer.pk, amount_cents=2_000, key="check", actor="ann")
    adjust(buyer.pk, amount_cents=-300, key="fee", actor="ann", reason="fee")
    charge_back(buyer.pk, amount_cents=4_000, key="dp_1", actor="stripe")
    source = build_source(campaign)
    assert distribute_lead(LeadFactory(source=source).pk).result == "success"
    book_payment(source, amount_cents=200, token=uuid4(), actor="ann", reason="March")
    workspace: Workspace = campaign.workspace
    return workspace


def test_every_movement_has_two_accounts() -> None:
    assert read_balances(sell_one().pk) == [
        AccountBalance(Account.WALLET, 10_000 + 2_000 - 300 - 4_000 - 2_500),
        AccountBalance(Account.REVENUE, 2_500),
        AccountBalance(Account.SOURCE_PAYABLE, 500 - 200),
        AccountBalance(Account.SOURCE_COSTS, -500),
        AccountBalance(Account.CARD_CLEARING, -10_000 + 4_000),
        AccountBalance(Account.MANUAL_CLEARING, -2_000 + 300 + 200),
    ]


def test_open_hold_is_pending_on_both_sides() -> None:
    campaign = asking_campaign(buyers=1)
    assert distribute_lead(lead_of(campaign, at=AT).pk, at=AT).result == "posting"

    pending = {each.account.value: each.pending_cents for each in read_balances(campaign.workspace_id)}
    held = pending.pop("revenue")
    assert held > 0
    assert pending.pop("wallet") == -held
    assert set(pending.values()) == {0}


def test_accounts_of_another_workspace_do_not_count() -> None:
    sell_one()
    other = BuyerFactory().workspace
    assert [each.cents for each in read_balances(other.pk)] == [0] * len(Account)


def test_sum_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace: Workspace = WorkspaceFactory()
    monkeypatch.setattr(balances, "LONGEST_MS", 50)
    with holding(LOCKED), pytest.raises(TooManyEntries):
        read_balances(workspace.pk)
    monkeypatch.undo()
    assert [each.cents for each in read_balances(workspace.pk)] == [0] * len(Account)


def open_page(client: Client, **query: object) -> Any:
    response = client.get(reverse(ACCOUNTS), query)
    assert response.status_code == 200
    return response


def balances_on(response: Any) -> dict[str, str]:
    return {each["name"]: each["balance"] for each in response.context["accounts"]}


def test_page_shows_balances_and_their_sum() -> None:
    workspace = sell_one()

    shown = open_page(client_of(person("viewer", workspace)))

    assert balances_on(shown) == {
        "wallets of buyers": "$52.00",
        "revenue": "$25.00",
        "owed to sources": "$3.00",
        "costs of sources": "-$5.00",
        "payments by card": "-$60.00",
        "booked by hand": "-$15.00",
    }
    assert (shown.context["total"], shown.context["total_pending"]) == ("$0.00", "$0.00")
    assert "do not sum" not in shown.content.decode()


def test_page_says_if_a_balance_is_wrong() -> None:
    workspace = sell_one()
    plant("UPDATE distribution_wallet SET balance_cents = balance_cents + 7")

    shown = open_page(client_of(person("viewer", workspace)))

    assert shown.context["total"] == "$0.07"
    assert "The accounts do not sum to $0.00." in shown.content.decode()


def test_links_list_the_movements_of_the_account() -> None:
    workspace = sell_one()
    viewer = client_of(person("viewer", workspace))
    shown = open_page(viewer, workspace=workspace.pk)
    links = {each["name"]: [url for _, url in each["links"]] for each in shown.context["accounts"]}

    def count_rows(url: str) -> int:
        return len(viewer.get(url).context["cl"].result_list)

    assert [count_rows(url) for url in links["payments by card"]] == [2]
    assert [count_rows(url) for url in links["booked by hand"]] == [4, 1]
    assert [count_rows(url) for url in links["costs of sources"]] == [1]
    assert [count_rows(url) for url in links["revenue"]] == [1]


def test_foreign_workspace_is_not_shown() -> None:
    foreign, own = sell_one(), BuyerFactory().workspace
    viewer = client_of(person("viewer", own))

    assert viewer.get(reverse(ACCOUNTS), {"workspace": foreign.pk}).status_code == 404
    assert set(balances_on(open_page(viewer)).values()) == {"$0.00"}


def test_page_says_why_nothing_was_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace: Workspace = WorkspaceFactory()
    client = client_of(person("finance", workspace))
    with SUMS.take():
        busy = open_page(client, workspace=workspace.pk).content.decode()
    assert "Not summed now: another page is summing accounts." in busy
    assert "do not sum to" not in busy
    monkeypatch.setattr(balances, "LONGEST_MS", 50)
    with holding(LOCKED):
        slow = open_page(client, workspace=workspace.pk).content.decode()
    assert "too many to sum while a page waits" in slow
    assert "do not sum to" not in slow
