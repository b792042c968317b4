"""The recording of a call in the admin: fetched from the carrier for a person who may listen, and not kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from distribution.calls.applying import apply_new
from distribution.models import Call
from tests.support.admin_pages import client_of, person
from tests.support.calling import Office
from tests.support.reachable import reach_this_machine
from tests.support.waiting import wait_until
from tracing.models import AuditEntry


@pytest.fixture
def near(settings: Any) -> Iterator[None]:
    with reach_this_machine(settings):
        yield


def record_call(office: Office) -> Call:
    call = office.begin("01", records=True)
    office.request(call)
    office.finish(call)

    def is_there() -> bool:
        apply_new(limit=100)
        call.refresh_from_db()
        return call.recording_sid != ""

    wait_until(is_there, what="the recording")
    return call


@pytest.mark.usefixtures("near")
def test_recording_is_played_and_noted(office: Office) -> None:
    call = record_call(office)
    url = reverse("admin:distribution_call_recording", args=[call.pk])
    admin = client_of(person("admin"))

    answer = admin.get(url)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("audio/")
    assert answer.content[:4] == b"RIFF"
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="listened")
    assert (entry.object_id, entry.model) == (str(call.pk), "distribution.call")
    page = admin.get(reverse("admin:distribution_call_change", args=[call.pk])).content.decode()
    assert f'<audio controls preload="none" src="{url}"' in page


@pytest.mark.usefixtures("near")
def test_carrier_that_is_away_is_said(office: Office) -> None:
    call = record_call(office)
    office.carrier.go_away()

    answer = client_of(person("admin")).get(reverse("admin:distribution_call_recording", args=[call.pk]))

    assert (answer.status_code, answer.content) == (
        503,
        b"The carrier does not answer. Try again in a moment.",
    )
    assert not AuditEntry.objects.filter(action="listened").exists()
    office.carrier.come_back()


@pytest.mark.usefixtures("near")
def test_recording_that_the_carrier_does_not_have(office: Office) -> None:
    call = record_call(office)
    Call.objects.update(recording_sid=f"RE{9:032d}")

    answer = client_of(person("admin")).get(reverse("admin:distribution_call_recording", args=[call.pk]))

    assert (answer.status_code, answer.content) == (404, b"The carrier has no such recording any more.")
