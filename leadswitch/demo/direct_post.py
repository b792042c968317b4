"""Three leads that are sold when a buyer's system accepts them, and one of them comes back.

One is accepted, one is rejected and goes to the next buyer, and of one the answer is lost and asked for again.
Everything goes through the real API, the real deliverer, and systems of buyers in a process of their own.
"""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from distribution.deliveries.enabling import disable_by_hand
from distribution.models import (
    Assignment,
    Buyer,
    BuyerKey,
    BuyerScope,
    Campaign,
    Endpoint,
    Enrollment,
    EvidenceKind,
    Method,
    ReturnPolicy,
    Tier,
)
from distribution.money.wallet import top_up
from leadswitch.demo.build import ACTOR, Demo
from leadswitch.demo.send import SendingFailed
from routing.models import Workspace

VERTICAL: Final = "gutters"
PRICE_CENTS: Final = 4_000
CREDITS_CENTS: Final = 50_000
WAIT_SECONDS: Final = 20
# The product of the demo may send to this machine.
ENVIRONMENT: Final = {"LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"}
ACCEPTED, CUSTOMER, LOST = (f"{name}.gutters@example.com" for name in ("maria", "james", "aisha"))
TITLES: Final = {
    ACCEPTED: "Delivered, and returned later",
    CUSTOMER: "Rejected by the first buyer, sold to the next",
    LOST: "The answer was lost: unknown, then resolved",
}
RETURN: Final = {"reason": "bad_phone", "text": "The number is disconnected."}
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class DirectPost:
    """`key` is that of the first buyer. `leads`: the public id by the title of what happens to the lead."""

    campaign: Campaign
    key: str
    leads: Mapping[str, str]


@contextmanager
def running_buyers() -> Iterator[str]:
    """Yield the address of the buyers' systems, and stop them afterwards."""
    command = [sys.executable, "-m", "leadswitch.demo.buyer_system", "--customer", CUSTOMER, "--lost", LOST]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def play(demo: Demo, *, address: str) -> DirectPost:
    """`address`: of the product. Raises SendingFailed."""
    with running_buyers() as buyers:
        campaign, key = build(demo.workspace, buyers=buyers)
        leads = {title: _send(email, address=address, key=demo.key) for email, title in TITLES.items()}
        _ask_for_return(leads[TITLES[ACCEPTED]], address=address, key=key)
    _disable_endpoints(campaign)
    return DirectPost(campaign, key, leads)


@transaction.atomic
def build(workspace: Workspace, *, buyers: str) -> tuple[Campaign, str]:
    """The campaign with its two buyers, and a key of the first one. `buyers`: the address of their systems."""
    campaign = Campaign(
        workspace=workspace,
        name="Gutters, direct post",
        vertical=VERTICAL,
        mode="priority",
        price_cents=PRICE_CENTS,
        max_buyers=1,
        sells_on="acceptance",
    )
    save(campaign)
    tier = save(Tier(campaign=campaign, position=1, name=""))
    first = _add_buyer("Peachtree Gutters", campaign, tier=tier, priority=2, url=f"{buyers}/first")
    _add_buyer("Lone Star Gutters", campaign, tier=tier, priority=1, url=f"{buyers}/second")
    save(
        ReturnPolicy(
            workspace=workspace,
            buyer=first,
            evidence=EvidenceKind.TEXT,
            automatic_reasons=[RETURN["reason"]],
        )
    )
    _, key = BuyerKey.objects.create_key(
        name="demo", buyer=first, scopes=[BuyerScope.RETURNS_READ, BuyerScope.RETURNS_WRITE]
    )
    return campaign, str(key)


def _add_buyer(name: str, campaign: Campaign, *, tier: Any, priority: int, url: str) -> Buyer:
    buyer = Buyer(
        workspace=campaign.workspace,
        name=name,
        timezone="America/New_York",
        service_area={"states": ["GA"]},
    )
    save(buyer)
    top_up(
        buyer.pk,
        amount_cents=CREDITS_CENTS,
        key=f"demo:{buyer.public_id}",
        actor=ACTOR,
        reason="opening balance",
    )
    save(Enrollment(campaign=campaign, tier=tier, buyer=buyer, priority=priority))
    save(
        Endpoint(
            workspace=buyer.workspace,
            buyer=buyer,
            name="CRM",
            method=Method.HTTP,
            url=url,
            accept_path="status",
            accept_term="accepted",
            reason_path="reason",
            timeout_seconds=5,
        )
    )
    return buyer


def save(row: Any) -> Any:
    """Validate as a form does, then save."""
    row.full_clean()
    row.save()
    return row


def _send(email: str, *, address: str, key: str) -> str:
    """Send a lead, and wait for the end of the chain of buyers. Returns its id."""
    first_name = email.partition(".")[0].title()
    lead = {
        "first_name": first_name,
        "last_name": "Gutters",
        "email": email,
        "zip": "30312",
        "vertical": VERTICAL,
        "external_id": f"gutters-{first_name}",
    }
    answer = post(
        f"{address}/api/v1/leads/", lead, Authorization=f"Api-Key {key}", Prefer=f"wait={WAIT_SECONDS}"
    )
    return str(answer["id"])


def _ask_for_return(lead_id: str, *, address: str, key: str) -> None:
    """As the buyer. Its policy approves this reason at once, and the price is refunded."""
    sold = Assignment.objects.get(lead__public_id=lead_id, state="sold")
    url = f"{address}/api/v1/buyer/assignments/{sold.public_id}/returns/"
    post(url, RETURN, Authorization=f"Api-Key {key}")


def post(url: str, body: Mapping[str, Any], **headers: str) -> Mapping[str, Any]:
    return ask("POST", url, body, **headers)


def ask(method: str, url: str, body: Mapping[str, Any], **headers: str) -> Mapping[str, Any]:
    """Raises SendingFailed."""
    parts = urlsplit(url)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_SECONDS + STOP_SECONDS)
    try:
        client.request(method, parts.path, json.dumps(body), {"Content-Type": "application/json", **headers})
        response = client.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        message = f"the API could not be reached: {error}"
        raise SendingFailed(message) from error
    finally:
        client.close()
    if response.status not in (http.client.OK, http.client.CREATED):
        message = f"the API returned {response.status}: {text[:500].decode(errors='replace')}"
        raise SendingFailed(message)
    answer: Mapping[str, Any] = json.loads(text)
    return answer


def _disable_endpoints(campaign: Campaign) -> None:
    """Nothing answers at their address after the demo."""
    for endpoint in Endpoint.objects.filter(buyer__enrollments__campaign=campaign):
        disable_by_hand(endpoint, at=timezone.now(), actor=ACTOR, reason="the demo has ended")
