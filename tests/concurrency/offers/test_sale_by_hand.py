"""A sale by hand ends the open offer: it waits for a bid that is being written before it locks the buyer."""

from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from distribution.attempts import assign_by_hand as by_hand
from distribution.models import Enrollment, Offer, Wallet
from routing.models import Lead
from routing.queries import read_clock
from tests.support.assigning import assign_by_hand
from tests.support.blocking import holding
from tests.support.offers import assert_everything_holds, offering_campaign, open_offer_of
from tests.support.racing import in_background
from tests.support.waiting import wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

WRITE_A_BID = "SELECT FROM distribution_offer FOR NO KEY UPDATE"


@pytest.fixture
def offer() -> Offer:
    return open_offer_of(offering_campaign(buyers=1), at=read_clock())


def is_wallet_free() -> bool:
    try:
        with transaction.atomic():
            Wallet.objects.select_for_update(nowait=True, no_key=True).get()
    except OperationalError:
        return False
    return True


def sell_while_a_bid_is_written(offer: Offer) -> bool:
    """Returns whether the buyer was free for other leads while the sale waited."""
    sell = partial(assign_by_hand, offer.lead_id, enrollment_id=Enrollment.objects.get().pk)
    with holding(WRITE_A_BID) as writer, in_background(sell):
        wait_until_blocked()
        was_free = is_wallet_free()
        writer.rollback()
    return was_free


def test_buyer_is_free_while_the_sale_waits_for_a_bid(offer: Offer) -> None:
    assert sell_while_a_bid_is_written(offer)
    assert Lead.objects.get().status == "distributed"
    offer.refresh_from_db()
    assert (offer.state, offer.end_reason) == ("closed", "canceled")
    assert_everything_holds()


def test_control_with_the_buyer_locked_first_other_leads_wait(
    offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_record = by_hand.begin_record

    def lock_buyer_first(*given: object, **arguments: object) -> object:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM distribution_wallet FOR NO KEY UPDATE")
        return begin_record(*given, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(by_hand, "begin_record", lock_buyer_first)
    assert not sell_while_a_bid_is_written(offer)
