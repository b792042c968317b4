"""`manage.py streams` as a process: what listeners hear, how they continue, and who may listen."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from django.db import connection

from distribution.models import Buyer, BuyerKey, Campaign, Offer, OfferBuyer
from distribution.offers.claim import claim_offer
from routing.leads.actions import cancel_lead
from routing.queries import read_clock
from tests.support.factories import issue_buyer_key
from tests.support.listening import Client, StreamServer, stream_server
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tests.support.waiting import LONGEST_SECONDS, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StreamServer]:
    with stream_server(tmp_path) as server:
        yield server


def key_of(buyer_id: int, **key: Any) -> str:
    return issue_buyer_key(Buyer.objects.get(pk=buyer_id), **key)


def open_now(campaign: Campaign) -> Offer:
    return open_offer_of(campaign, at=read_clock())


def test_listener_hears_what_is_open_and_what_opens_and_closes(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=2)
    first = open_now(campaign)
    winner, loser = buyers_of(campaign)
    client = Client(server.url, key_of(loser))
    client.wait_for(1)
    second = open_now(campaign)
    client.wait_for(2)
    claim_offer(second.public_id, buyer_id=winner)
    ids = [str(first.public_id), str(second.public_id)]
    assert client.wait_for(3) == [("offer", ids[0]), ("offer", ids[1]), ("offer_closed", ids[1])]
    assert client.events[0].data["lead"] == first.partial
    taken = client.events[2].data
    assert set(taken) == {"id", "state", "ended_at", "assignment_id"}, "nothing about who claimed it"
    assert (taken["state"], taken["assignment_id"]) == ("taken", None)


def test_winner_hears_of_its_own_claim(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=2, max_buyers=2)
    offer = open_now(campaign)
    winner, _ = buyers_of(campaign)
    client = Client(server.url, key_of(winner))
    client.wait_for(1)
    claim = claim_offer(offer.public_id, buyer_id=winner)
    client.wait_for(2)
    assert client.events[1].data["state"] == "claimed"
    assert client.events[1].data["assignment_id"] == str(claim.assignment_id)


def test_client_continues_after_its_last_event_when_the_process_was_killed(tmp_path: Path) -> None:
    campaign = offering_campaign(buyers=1)
    key = key_of(buyers_of(campaign)[0])
    with stream_server(tmp_path) as first:
        seen = open_now(campaign)
        client = Client(first.url, key)
        client.wait_for(1)
        first.program.process.kill()
        assert client.is_over.wait(LONGEST_SECONDS)
    # Long ago, so that what is told twice does not hide what was missed.
    long_ago = read_clock() - timedelta(minutes=5)
    Offer.objects.update(opened_at=long_ago)
    OfferBuyer.objects.update(visible_at=long_ago)
    missed = open_now(campaign)
    cancel_lead(missed.lead_id, at=read_clock())
    with stream_server(tmp_path, "second") as second:
        again = Client(second.url, key, last_id=client.events[0].id)
        expected = [("offer", str(missed.public_id)), ("offer_closed", str(missed.public_id))]
        assert again.wait_for(2) == expected
    assert str(seen.public_id) not in [each.data.get("id") for each in again.events]


def test_buyer_of_a_later_tier_hears_when_the_head_start_is_over(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=1)
    client = Client(server.url, key_of(buyers_of(campaign)[0]))
    campaign.tiers.update(head_start_seconds=1)
    offer = open_now(campaign)
    client.wait_for(1)
    heard = read_clock()
    [visible_at] = OfferBuyer.objects.filter(offer=offer).values_list("visible_at", flat=True)
    assert visible_at >= offer.opened_at + timedelta(seconds=1)
    assert heard >= visible_at


def test_revoked_key_ends_its_stream(tmp_path: Path) -> None:
    campaign = offering_campaign(buyers=1)
    key = key_of(buyers_of(campaign)[0])
    with stream_server(tmp_path, LEADSWITCH_STREAMS_CHECK_SECONDS="1") as server:
        client = Client(server.url, key)
        BuyerKey.objects.update(revoked=True)
        assert client.wait_for(1) == [("end", "")]
        assert client.events[0].data == {"reason": "key_ended"}
        assert client.is_over.wait(LONGEST_SECONDS)


def test_stopped_process_ends_its_streams_and_says_so(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=1)
    client = Client(server.url, key_of(buyers_of(campaign)[0]))
    server.program.process.send_signal(signal.SIGTERM)
    client.wait_for(1)
    assert client.events[0].data == {"reason": "restarting"}
    assert server.program.process.wait(LONGEST_SECONDS) == 0


def test_listens_again_when_its_connection_was_cut(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=1)
    client = Client(server.url, key_of(buyers_of(campaign)[0]))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    offer = open_now(campaign)
    assert client.wait_for(1) == [("offer", str(offer.public_id))]


def test_many_listeners_share_the_threads_of_one_process(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=20)
    keys = [key_of(buyer) for buyer in buyers_of(campaign) for _ in range(3)]
    process = psutil.Process(server.program.process.pid)
    clients = [Client(server.url, key) for key in keys]
    offer = open_now(campaign)
    for client in clients:
        assert client.wait_for(1) == [("offer", str(offer.public_id))]
    assert process.num_threads() < 15


def test_without_a_right_it_answers_as_the_api_does(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=1)
    [buyer] = buyers_of(campaign)
    reader = {"Authorization": f"Api-Key {key_of(buyer)}"}
    other = {"Authorization": f"Api-Key {key_of(buyer, scopes=['wallet:read'])}"}
    cases = [
        (httpx.get(server.url), 401, "unauthorized"),
        (httpx.get(server.url, headers={"Authorization": "Api-Key nonsense.nonsense"}), 401, "unauthorized"),
        (httpx.get(server.url, headers=other), 403, "forbidden"),
        (httpx.get(server.url, headers={**reader, "Last-Event-ID": "1"}), 400, "malformed"),
        (httpx.post(server.url, headers=reader), 405, "method_not_allowed"),
        (httpx.get(f"{server.address}/api/v1/buyer/me/", headers=reader), 404, "not_found"),
    ]
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer, *_ in cases] == [
        (status, code) for _, status, code in cases
    ]


def test_one_key_may_have_a_few_streams_only(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=1)
    key = key_of(buyers_of(campaign)[0])
    clients = [Client(server.url, key) for _ in range(10)]
    assert {client.status for client in clients} == {200}
    assert Client(server.url, key).status == 429
    clients[0].close()
    wait_until(lambda: Client(server.url, key).status == 200, what="the place of the closed stream")


def test_moment_of_an_event_belongs_to_its_buyer(server: StreamServer) -> None:
    campaign = offering_campaign(buyers=2)
    open_now(campaign)
    one, other = buyers_of(campaign)
    client = Client(server.url, key_of(one))
    client.wait_for(1)
    assert Client(server.url, key_of(other), last_id=client.events[0].id).status == 400
