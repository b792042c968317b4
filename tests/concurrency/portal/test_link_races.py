"""One link and many browsers, one mail and many workers, one address and many requests at once."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from django.utils import timezone

from distribution.buyers import portal_links
from distribution.buyers.portal_links import (
    LINKS_PER_ADDRESS,
    TooManyLinks,
    claim_due_mail,
    is_open,
    make_link_token,
    request_link,
    use_link,
)
from distribution.models import PortalLink, PortalUser
from tests.support.factories import PortalUserFactory
from tests.support.racing import race

pytestmark = pytest.mark.usefixtures("committed_db")
BROWSERS = 8


@pytest.fixture
def user(committed_db: None) -> PortalUser:  # noqa: ARG001
    return PortalUserFactory(email="dana@atlas.example")


def make_token(user: PortalUser) -> str:
    token = make_link_token(user.email, at=datetime.now(UTC))
    assert token is not None
    return token


def count_uses(use: Callable[[str], str | None], token: str) -> int:
    return sum(email is not None for email in race([partial(use, token)] * BROWSERS))


def test_link_signs_in_one_of_many_browsers(user: PortalUser) -> None:
    for _ in range(5):
        assert count_uses(lambda token: use_link(token, at=datetime.now(UTC)), make_token(user)) == 1


def test_control_without_the_condition_several_browsers_sign_in(user: PortalUser) -> None:
    """Look, then mark: what a link would be without one conditional update."""

    def look_then_mark(token: str) -> str | None:
        if not is_open(token, at=datetime.now(UTC)):
            return None
        PortalLink.objects.filter(token_hash=portal_links.hash_token(token)).update(used_at=timezone.now())
        return user.email

    assert max(count_uses(look_then_mark, make_token(user)) for _ in range(20)) > 1


def test_mail_is_claimed_by_one_of_many_workers(user: PortalUser) -> None:
    request_link(user.email, network="192.0.2.1", at=datetime.now(UTC))
    claimed = race([lambda: claim_due_mail(at=datetime.now(UTC))] * BROWSERS)
    assert len([mail for mail in claimed if mail is not None]) == 1


def test_limit_of_an_address_holds_for_requests_at_once(user: PortalUser) -> None:
    def ask(number: int) -> bool:
        try:
            request_link(user.email, network=f"192.0.2.{number}", at=datetime.now(UTC))
        except TooManyLinks:
            return False
        return True

    results = race([partial(ask, number) for number in range(2 * LINKS_PER_ADDRESS)])
    assert sum(results) == PortalLink.objects.count() == LINKS_PER_ADDRESS
