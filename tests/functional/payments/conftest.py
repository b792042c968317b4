"""The payment provider of the tests, and a buyer with a card."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.card_provider import CardProvider, card_provider

if TYPE_CHECKING:
    from distribution.models import Buyer


@pytest.fixture(scope="session")
def running_provider() -> Iterator[CardProvider]:
    with card_provider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: CardProvider, settings: Any) -> Iterator[CardProvider]:
    settings.LEADSWITCH_STRIPE = running_provider.account
    yield running_provider
    running_provider.forget()


@pytest.fixture
def buyer(provider: CardProvider, db: None) -> "Buyer":  # noqa: ARG001
    """With a card that works, and an empty wallet."""
    from tests.support.factories import (
        BuyerFactory,  # loads tables, and this file is loaded before the apps are
    )
    from tests.support.paying import give_card

    made = BuyerFactory()
    give_card(made, provider)
    return made
