"""Where a buyer's program finds the stream of offers if the web server is not the address of it."""

import pytest
from django.test import Client, override_settings

from distribution.models import Buyer
from tests.support.factories import BuyerFactory, issue_buyer_key

pytestmark = pytest.mark.django_db

PATH = "/api/v1/buyer/offers/stream/"
STREAMS = "https://streams.example.com:8443"


def ask(buyer: Buyer, accept: str = "*/*") -> tuple[int, str | None, dict[str, object]]:
    key = issue_buyer_key(buyer)
    answer = Client().get(
        f"{PATH}?last_event_id=8yA1", headers={"authorization": f"Api-Key {key}", "accept": accept}
    )
    return answer.status_code, answer.get("Location"), answer.json()


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
def test_redirect_says_where_the_stream_is_and_that_the_key_is_needed_there(
    accept: str,
) -> None:
    with override_settings(LEADSWITCH_STREAMS_URL=STREAMS):
        status_code, header, body = ask(BuyerFactory(), accept)
    location = f"{STREAMS}{PATH}?last_event_id=8yA1"
    assert (status_code, header, body["location"]) == (307, location, location)
    assert "--location-trusted" in str(body["message"])
    assert set(body) == {"location", "message"}


def test_without_streams_it_names_the_list() -> None:
    with override_settings(LEADSWITCH_STREAMS_URL=""):
        status_code, header, body = ask(BuyerFactory())
    assert (status_code, header) == (503, None)
    assert "/api/v1/buyer/offers/" in str(body)
