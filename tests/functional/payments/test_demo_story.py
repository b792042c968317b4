"""The demo's buyer sets up automatic recharge over the real API, at the demo's own provider."""

import pytest

from distribution.models import Card, Recharge
from leadswitch.demo import recharge
from tests.support.factories import WorkspaceFactory
from tests.support.served import served


@pytest.mark.usefixtures("committed_db")
def test_buyer_of_the_demo_turns_recharge_on() -> None:
    buyer, key = recharge.build(WorkspaceFactory())
    with recharge.running_provider() as provider, served(**provider.environment) as address:
        recharge.turn_on(key, address=address, provider=provider)

    assert Card.objects.get(buyer=buyer).last4 == recharge.PAYS[-4:]
    stored = Recharge.objects.get(wallet__buyer=buyer)
    assert {name: getattr(stored, name) for name in recharge.RECHARGE} == recharge.RECHARGE
