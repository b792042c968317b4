"""An endpoint's method changes while a sale asks it: no direct post stays with a method that cannot answer."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from distribution.attempts import distribute
from distribution.attempts.settle import NO_ENDPOINT
from distribution.models import Assignment, Delivery, Endpoint
from routing.models import Lead
from tests.support.configuration import without_trigger
from tests.support.holds import CREDITS_CENTS, PRICE_CENTS, asking_campaign, lead_of, money_of
from tests.support.racing import in_background
from tests.support.waiting import LONGEST_SECONDS, count_blocked, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
guarded_or_not = pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "control"])


@pytest.fixture
def lead() -> Lead:
    return lead_of(asking_campaign(buyers=1), at=AT)


def ask(lead: Lead) -> Any:
    return distribute.distribute_lead(lead.pk, at=AT).result


def mail_from_now_on() -> str:
    """Returns the name of the constraint that refused it."""
    try:
        Endpoint.objects.update(method="email", email_to="office@example.com")
    except IntegrityError as refused:
        return str(refused.__cause__.diag.constraint_name)  # type: ignore[union-attr]
    return ""


@dataclass
class Overlap:
    """Begins the second transaction while the first is not committed: `pause` is its last step."""

    is_made: Event = field(default_factory=Event)
    may_commit: Event = field(default_factory=Event)

    def pause(self) -> None:
        self.is_made.set()
        self.may_commit.wait(LONGEST_SECONDS)

    def run(self, first: Callable[[], Any], second: Callable[[], Any]) -> Any:
        """Returns the result of the second."""
        with in_background(first):
            try:
                assert self.is_made.wait(LONGEST_SECONDS)
                with in_background(second) as result:
                    wait_until(
                        lambda: result.done() or count_blocked() > 0, what="an end or a wait for a lock"
                    )
                    self.may_commit.set()
                    return result.result(LONGEST_SECONDS)
            finally:
                self.may_commit.set()


def guard(table: str, name: str, *, is_guarded: bool) -> Any:
    return nullcontext() if is_guarded else without_trigger(table, name)


@guarded_or_not
def test_change_during_a_sale_is_refused(
    lead: Lead, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    overlap, check = Overlap(), distribute.reject_unasked

    def check_and_pause(*arguments: Any, **named: Any) -> None:
        check(*arguments, **named)
        overlap.pause()

    monkeypatch.setattr(distribute, "reject_unasked", check_and_pause)
    with guard("distribution_endpoint", "answers_direct_posts", is_guarded=is_guarded):
        refused = overlap.run(partial(ask, lead), mail_from_now_on)

    assert refused == ("endpoint_answers_direct_posts" if is_guarded else "")
    asked = Delivery.objects.select_related("endpoint").get()
    assert (asked.is_direct_post, asked.endpoint.method) == (True, "webhook" if is_guarded else "email")


@guarded_or_not
def test_sale_during_a_change_asks_nobody_and_releases_its_hold(lead: Lead, *, is_guarded: bool) -> None:
    overlap = Overlap()

    def change_and_pause() -> None:
        with transaction.atomic():
            mail_from_now_on()
            overlap.pause()

    with guard("distribution_delivery", "direct_post_is_answered", is_guarded=is_guarded):
        overlap.run(change_and_pause, partial(ask, lead))

    hold = Assignment.objects.get()
    assert Delivery.objects.count() == (0 if is_guarded else 1)
    assert (hold.state, hold.reject_reason) == (("rejected", NO_ENDPOINT) if is_guarded else ("held", ""))
    assert money_of(hold.buyer_id) == (CREDITS_CENTS, 0 if is_guarded else PRICE_CENTS)
