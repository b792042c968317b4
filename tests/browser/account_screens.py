"""What the screenshots show of buyers who help themselves: people, approvals, cards, a month of entries."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.urls import reverse

from distribution.models import ApprovalPolicy, Buyer, BuyerStatement, ChangeProposal, PortalUser
from distribution.money.wallet import adjust, top_up
from distribution.selfservice.author import Author
from distribution.selfservice.change import change_account
from distribution.selfservice.settings import AREA
from distribution.statements.issue import issue_statement
from routing.calendar.zones import load_zone
from tests.support.admin_pages import ask_for_a_new_name
from tests.support.admin_pages import page as path_of
from tests.support.factories import (
    BuyerFactory,
    CardFactory,
    CardPaymentFactory,
    PortalUserFactory,
    RechargeFactory,
)
from tests.support.planting import plant
from tests.support.portal_scene import PortalScene

# Movements of one month, in cents: what a buyer pays in, and what it spends.
MOVEMENTS: Final = (-9_000, -7_500, -11_000, 25_000, -10_000, -6_500, -12_500, -2_500, 25_000, -9_500, -5_500)
# The entries of a wallet, three days apart until today.
SPREAD: Final = """
UPDATE distribution_ledgerentry e SET created_at = now() - placed.place * interval '3 days'
FROM (
    SELECT id, row_number() OVER (ORDER BY id DESC) - 1 AS place FROM distribution_ledgerentry WHERE wallet_id = %s
) placed
WHERE placed.id = e.id
"""
# The pages that say what to do before there is anything.
EMPTY: Final = (
    *("home", "offers", "leads", "missed", "returns", "wallet", "cards", "statements", "settings"),
    *("endpoints", "changes", "area", "hours"),
)


def make_account(buyer: Buyer) -> None:
    """A person of the portal, and two changes that wait: a new name, and an area that covers less."""
    PortalUserFactory(buyer=buyer, email="dana@peachtree.example", name="Dana Price")
    ApprovalPolicy.objects.create(workspace=buyer.workspace, fields=["service_area", "bid_cents"])
    ask_for_a_new_name(buyer)
    outcome = change_account(
        buyer,
        part=AREA,
        patch={"service_area": {"states": ["GA"], "exclude": {"zips": ["30301"]}}},
        by=Author("portal Dana Price", datetime.now(UTC), "portal"),
        if_match="*",
    )
    assert outcome.proposal is not None


def account_pages() -> dict[str, str]:
    """A change that waits, with its difference and its effect, the decisions as they ask, and the accounts."""
    latest = ChangeProposal.objects.select_related("buyer").latest("pk")
    change = path_of(ChangeProposal, "change", latest.pk)
    accounts = reverse("admin:distribution_ledgerentry_accounts")
    acts = {name: change.replace("change/", f"act/{name}/") for name in ("approve", "decline")}
    return {
        "ledgerentry-accounts": f"{accounts}?workspace={latest.buyer.workspace_id}",
        "changeproposal-waiting": change,
        **{f"changeproposal-{name}": path for name, path in acts.items()},
    }


def live_a_month(scene: PortalScene) -> BuyerStatement:
    """A wallet that went up and down, a card with payments, automatic recharge. Returns the last statement."""
    for number, cents in enumerate(MOVEMENTS):
        key = f"month:{number}"
        if cents > 0:
            top_up(scene.buyer.pk, amount_cents=cents, key=key, actor="stripe", clearing="card")
        else:
            adjust(scene.buyer.pk, amount_cents=cents, key=key, actor="ann", reason="leads of the old system")
    plant(SPREAD, [scene.buyer.wallet.pk])
    RechargeFactory(wallet=scene.buyer.wallet)
    card = CardFactory(buyer=scene.buyer)
    CardPaymentFactory(card=card, state="failed", failure_code="card_declined")
    in_a_day = datetime.now(UTC) + timedelta(days=1)
    CardPaymentFactory(
        card=card,
        state="needs_action",
        failure_code="",
        ended_at=None,
        next_try_at=in_a_day,
        provider_id="pi_2",
    )
    return issue_last_statement(scene.buyer)


def issue_last_statement(buyer: Buyer) -> BuyerStatement:
    """Of the month before this one, which has movements."""
    at = datetime.now(UTC)
    last_day = at.astimezone(load_zone(buyer.timezone)).date().replace(day=1) - timedelta(days=1)
    statement, _ = issue_statement(buyer.wallet, last_day.replace(day=1), at=at, actor="beat")
    return statement


def empty_account() -> PortalUser:
    """A person of a buyer that was added a minute ago."""
    user: PortalUser = PortalUserFactory(buyer=BuyerFactory(name="Birch Roofing"), email="kim@birch.example")
    return user
