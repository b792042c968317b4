"""What the pages of settings say and refuse: hours, the end of a pause, places, waiting changes, failing endpoints."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Buyer, Delivery, DeliveryTry, Endpoint
from distribution.portal.pause import find_morning
from tests.functional.portal.test_changes import AREA, HOURS, NO_TIMES, PAUSE, form_of, limits, send
from tests.support.portal import signed_in
from tests.support.portal_scene import PortalScene, build_portal_scene

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")
TUESDAY = date(2026, 12, 1)


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


@pytest.fixture
def client(scene: PortalScene) -> Client:
    return signed_in(scene.user)


def text(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


class TestHours:
    def test_hours_without_any_time_are_refused(self, scene: PortalScene, client: Client) -> None:
        answer = send(client, HOURS, **{**NO_TIMES, "when": "by_day"})
        assert answer.status_code == 400
        assert "To stop all leads, use Settings, Pause." in answer.content.decode()
        assert Buyer.objects.get(pk=scene.buyer.pk).hours == {}

    def test_new_form_shows_usual_hours(self, scene: PortalScene, client: Client) -> None:
        assert form_of(client, HOURS)["when"] == "always"
        assert send(client, HOURS, when="by_day").status_code == 302
        hours = Buyer.objects.get(pk=scene.buyer.pk).hours
        usual = [["08:00", "18:00"]]
        assert {day: spans for day, spans in hours.items() if spans} == dict.fromkeys(
            ("mon", "tue", "wed", "thu", "fri"), usual
        )

    def test_usual_hours_do_not_count_with_always(self, scene: PortalScene, client: Client) -> None:
        assert send(client, HOURS).status_code == 302
        assert Buyer.objects.get(pk=scene.buyer.pk).hours == {}

    def test_times_of_monday_are_copied(self, scene: PortalScene, client: Client) -> None:
        send(client, HOURS, when="by_day", is_same="on", mon_from_1="07:00", mon_to_1="19:30")
        hours = Buyer.objects.get(pk=scene.buyer.pk).hours
        assert list(hours.values()) == [[["07:00", "19:30"]]] * 7


@pytest.mark.parametrize(
    ("hours", "opens"),
    [
        ({}, time(8)),
        ({"tue": [["09:30", "12:00"], ["13:00", "17:00"]]}, time(9, 30)),
        ({"tue": [["13:00", "17:00"], ["06:15", "09:00"]]}, time(6, 15)),
        ({"tue": [["00:00", "24:00"]]}, time(8)),
        ({"tue": [["14:00", "20:00"]]}, time(8)),
        ({"mon": [["09:30", "12:00"]]}, time(8)),
        ({"tue": [["late"], [], None]}, time(8)),
        (["unreadable"], time(8)),
    ],
)
def test_pause_ends_in_the_morning_when_the_buyer_opens(hours: object, opens: time) -> None:
    ends = find_morning(hours, day=TUESDAY, zone=NEW_YORK)
    assert ends == datetime.combine(TUESDAY, opens, tzinfo=NEW_YORK)


def test_pause_page_names_the_end_of_each_choice(client: Client) -> None:
    assert text(client, PAUSE).count("8:00 AM") == 2


def test_place_that_does_not_exist_is_named_at_its_box(client: Client) -> None:
    answer = send(client, AREA, states="GA, ZZ", exclude_states="Gorgia")
    errors = answer.context["form"].errors
    assert answer.status_code == 400
    assert errors["states"] == [
        "“ZZ” is not a state: use the two-letter code, like GA, or CA-ON outside the US."
    ]
    assert errors["exclude_states"] == ["“Gorgia” is not a state: did you mean GA?"]
    assert "states[" not in answer.content.decode()


def test_circle_around_no_zip_code_is_named_at_its_box(client: Client) -> None:
    answer = send(client, AREA, zip_2="00000", miles_2="10")
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["zip_2"]


def test_negative_cap_is_refused_in_plain_words(scene: PortalScene, client: Client) -> None:
    answer = send(client, limits(scene), cap_day="-1")
    assert answer.context["form"].errors["cap_day"] == ["Enter 0 or more."]


def test_waiting_change_says_what_becomes_what(scene: PortalScene, client: Client) -> None:
    path = "/portal/settings/changes/"
    assert "Atlas Roofing becomes Atlas Inc." in text(client, path)
    Buyer.objects.filter(pk=scene.buyer.pk).update(timezone="America/Chicago")
    stale = text(client, path)
    assert " becomes " not in stale
    assert "<dd>Name</dd>" in stale


def test_failing_endpoint_names_the_cause(scene: PortalScene, client: Client) -> None:
    path = f"/portal/settings/endpoints/{scene.endpoint.public_id}/"
    assert "Failing since" not in text(client, path)
    now = timezone.now()
    Endpoint.objects.filter(pk=scene.endpoint.pk).update(failing_since=now)
    waiting = Delivery.objects.filter(endpoint=scene.endpoint, state="pending").order_by("next_try_at", "pk")
    first = waiting[0]
    Delivery.objects.filter(pk=first.pk).update(tries=1)
    DeliveryTry.objects.create(
        delivery=first, number=1, started_at=now, finished_at=now, outcome="not_sent", error="tls_failed"
    )
    assert "No secure connection. Check the certificate of your system." in text(client, path)
