"""What takes seconds inside a web process is bounded: by buyer and minute, and by process."""

import threading
from contextlib import ExitStack
from typing import Any

import pytest

from distribution.models import Enrollment
from distribution.slow_work import OUTSIDE, REPLAYS, Places, TooBusy
from tests.functional.api.test_buyer_account import Api
from tests.support.factories import BuyerFactory, CampaignFactory, EndpointFactory, enroll

pytestmark = pytest.mark.django_db
HOURS: dict[str, Any] = {"hours": None}


@pytest.fixture
def enrollment() -> Enrollment:
    [made] = enroll(CampaignFactory(), count=1)
    return made


def test_places_are_given_back_after_success_and_error() -> None:
    places = Places(1)
    with places.take():
        pass
    with pytest.raises(ZeroDivisionError), places.take():
        1 / 0  # noqa: B018 - it raises
    with places.take(), pytest.raises(TooBusy), places.take():
        pass


def test_no_thread_waits_for_a_place() -> None:
    places, refused = Places(2), threading.Event()

    def ask() -> None:
        try:
            with places.take():
                pass
        except TooBusy:
            refused.set()

    with places.take(), places.take():
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(60)
    assert refused.is_set()


def test_whatif_is_refused_while_another_one_runs(enrollment: Enrollment) -> None:
    api = Api(enrollment.buyer)
    with REPLAYS.take():
        answer = api.send("post", "whatif/", HOURS)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert api.send("post", "whatif/", HOURS).status_code == 200


def test_wait_for_other_systems_is_refused_when_all_places_are_taken(enrollment: Enrollment) -> None:
    endpoint = EndpointFactory(buyer=enrollment.buyer)
    api, path = Api(enrollment.buyer), f"endpoints/{endpoint.public_id}/"
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(OUTSIDE.take())
        url = {"url": "https://93.184.216.34/leads"}
        assert api.send("patch", path, url, version="*").status_code == 503
        test = {"confirmed_address": endpoint.url}
        assert api.send("post", f"{path}test/", test).status_code == 503
        assert api.send("patch", path, {"timeout_seconds": 9}, version="*").status_code == 200, (
            "no look-up, no wait"
        )
    assert api.send("patch", path, url, version="*").status_code == 200


@pytest.mark.parametrize(("kind", "path"), [("whatif", "whatif/"), ("endpoint_test", "endpoints/{}/test/")])
def test_each_buyer_has_a_limit_for_all_its_keys(
    kind: str, path: str, enrollment: Enrollment, settings: Any
) -> None:
    """Its other requests still pass, and so do those of other buyers."""
    settings.LEADSWITCH_RATE_LIMITS = {**settings.LEADSWITCH_RATE_LIMITS, kind: (1, 1)}
    path = path.format(EndpointFactory(buyer=enrollment.buyer).public_id)
    body = HOURS if kind == "whatif" else {}
    first, second = Api(enrollment.buyer), Api(enrollment.buyer)
    assert first.send("post", path, body).status_code in {200, 409}
    refused = second.send("post", path, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 30
    assert second.get("me/").status_code == 200
    if kind == "whatif":
        assert Api(BuyerFactory()).send("post", path, body).status_code == 200
