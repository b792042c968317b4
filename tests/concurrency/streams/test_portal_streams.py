"""The stream of `manage.py streams` for a browser that is signed in to the portal."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from distribution.buyers.portal_sessions import choose_buyer, end_all_sessions, find_session
from distribution.models import Buyer, Campaign, PortalSession, PortalUser
from distribution.offers.claim import claim_offer
from distribution.portal.cookies import COOKIE
from routing.queries import read_clock
from tests.support.factories import PortalUserFactory, issue_buyer_key
from tests.support.listening import Client, StreamServer, stream_server
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tests.support.portal import session_text
from tests.support.waiting import LONGEST_SECONDS

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StreamServer]:
    with stream_server(tmp_path, LEADSWITCH_STREAMS_CHECK_SECONDS="1") as server:
        yield server


@pytest.fixture
def campaign() -> Campaign:
    return offering_campaign(buyers=2)


@pytest.fixture
def user(campaign: Campaign) -> PortalUser:
    """A viewer may listen as well."""
    made: PortalUser = PortalUserFactory(buyer=Buyer.objects.get(pk=buyers_of(campaign)[0]), role="viewer")
    return made


def cookie_of(user: PortalUser) -> str:
    return f"{COOKIE}={session_text(user)}"


def test_browser_hears_of_the_offers_of_its_buyer(
    server: StreamServer, campaign: Campaign, user: PortalUser
) -> None:
    client = Client(server.portal_url, cookie=f"other=1; {cookie_of(user)}")
    offer = open_offer_of(campaign, at=read_clock())
    client.wait_for(1)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[1])
    public_id = str(offer.public_id)
    assert client.wait_for(2) == [("offer", public_id), ("offer_closed", public_id)]
    assert client.events[1].data["state"] == "taken"


@pytest.mark.parametrize("cookie", [None, "", f"{COOKIE}=wrong", "sessionid=wrong"])
def test_browser_without_a_session_is_refused(server: StreamServer, cookie: str | None) -> None:
    headers = {} if cookie is None else {"Cookie": cookie}
    answer = httpx.get(server.portal_url, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


def test_cookie_and_key_open_only_their_own_address(
    server: StreamServer, campaign: Campaign, user: PortalUser
) -> None:
    key = issue_buyer_key(Buyer.objects.get(pk=buyers_of(campaign)[0]))
    by_cookie = httpx.get(server.url, headers={"Cookie": cookie_of(user)})
    by_key = httpx.get(server.portal_url, headers={"Authorization": f"Api-Key {key}"})
    assert (by_cookie.status_code, by_key.status_code) == (401, 401)


def test_other_origin_gets_no_permission_to_read(server: StreamServer, user: PortalUser) -> None:
    headers = {"Cookie": cookie_of(user), "Origin": "https://evil.example"}
    with httpx.stream("GET", server.portal_url, headers=headers) as answer:
        assert "access-control-allow-origin" not in answer.headers


def test_stream_ends_when_the_person_signs_out_everywhere(server: StreamServer, user: PortalUser) -> None:
    client = Client(server.portal_url, cookie=cookie_of(user))
    end_all_sessions(PortalSession.objects.select_related("user__buyer").get())
    assert client.is_over.wait(LONGEST_SECONDS)
    assert [(each.event, each.data["reason"]) for each in client.events] == [("end", "key_ended")]


def test_stream_ends_when_the_agency_removes_the_person(server: StreamServer, user: PortalUser) -> None:
    client = Client(server.portal_url, cookie=cookie_of(user))
    user.delete()
    assert client.is_over.wait(LONGEST_SECONDS)


def test_stream_ends_when_the_person_looks_at_another_buyer(server: StreamServer, user: PortalUser) -> None:
    other = PortalUserFactory(email=user.email)
    text = session_text(user)
    client = Client(server.portal_url, cookie=f"{COOKIE}={text}")
    at = datetime.now(UTC)
    session = find_session(text, at=at)
    assert session is not None
    assert choose_buyer(session, other.public_id, at=at)
    assert client.is_over.wait(LONGEST_SECONDS)
    again = Client(server.portal_url, cookie=f"{COOKIE}={text}")
    assert again.status == 200
    again.close()
