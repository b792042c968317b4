"""Why a person is not called, in the same words for pages, commands and the API: the true cause, and what to change."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.admin.trace_page import build_page
from distribution.calls.liveness import write_dialer_heartbeat
from distribution.explain.lead import explain
from distribution.explain.types import TracedVerification
from distribution.models import Call, CallEvent, Channel, Dialer, Verification
from leadswitch.levels.call_refusals import find_refusals
from routing.models import Lead
from tests.support.factories import CallFactory, ChannelFactory, VerificationFactory

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"


@pytest.fixture(autouse=True)
def address(settings: Any) -> None:
    settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
    write_dialer_heartbeat("one", at=timezone.now())


@pytest.fixture
def lead() -> Lead:
    made: Lead = VerificationFactory(lead__status="gated").lead
    return made


def wait(reason: str, **values: Any) -> None:
    Verification.objects.update(reason=reason, due_at=timezone.now() + timedelta(hours=1), **values)


def refuse(problem: str, code: str, number: int = 1) -> Call:
    now = timezone.now()
    ended = {"state": "ended", "ended_at": now, "outcome": "not_placed", "next_check_at": None}
    made: Call = CallFactory(
        verification=Verification.objects.get(),
        number=number,
        dial="not_placed",
        dial_problem=problem,
        dial_code=code,
        **ended,
    )
    return made


def read(lead: Lead) -> TracedVerification:
    lead.refresh_from_db()
    return explain(lead).verifications[-1]


def printed(command: str, *arguments: str) -> str:
    out = StringIO()
    try:
        call_command(command, *arguments, stdout=out)
    except SystemExit:
        out.write(" exit")
    return " ".join(out.getvalue().split())


def page() -> str:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client.get(reverse("admin:distribution_verification_changelist")).content.decode()


def test_refusal_of_the_country_says_what_to_allow(lead: Lead) -> None:
    refuse("geo", "21215")
    wait("country_refused")

    shown = read(lead)

    why = "The carrier refuses calls to this country (carrier's code 21215)."
    assert shown.reason_sentence == why
    assert shown.change == "allow the country in the carrier's console"
    assert shown.next_step.endswith(f"Why not before: {why} What would have to change: {shown.change}.")
    assert explain(lead).lead.change in (shown.change, "")
    assert "21215" in printed("explain", str(lead.pk))
    assert "carrier&#x27;s code 21215" in page()
    sent = explain(lead, is_for_source=True).verifications[-1]
    assert (sent.change, "What would have to change" in sent.next_step) == ("", False)


def test_refusals_that_repeat_are_a_problem(lead: Lead) -> None:  # noqa: ARG001 - it is called
    refuse("geo", "21215")
    assert list(find_refusals()) == []
    refuse("geo", "21215")

    assert list(find_refusals()) == [
        "Calls not placed in 30 minutes: 2. The carrier refuses calls to this country (carrier's code 21215)."
        " What would have to change: allow the country in the carrier's console."
    ]
    assert "Problem: Calls not placed in 30 minutes: 2." in printed("calls")
    assert printed("calls").endswith("exit")


def test_dial_in_doubt_is_no_call_that_is_out(lead: Lead, settings: Any) -> None:
    settings.LEADSWITCH_CALL_SEARCH_SECONDS = 600
    now = timezone.now().replace(microsecond=0)
    call = CallFactory(
        verification=Verification.objects.get(),
        state="dialing",
        dial="unknown",
        dialed_at=now,
        next_check_at=now + timedelta(seconds=60),
    )
    Verification.objects.update(state="calling", due_at=None)

    shown = read(lead)

    assert shown.state_sentence == "It is not known whether the call was placed."
    assert shown.state_sentence in page()
    assert shown.calls[0].sentence == shown.state_sentence
    asked, until = (
        f"{each:%Y-%m-%d %H:%M:%S} UTC" for each in (call.next_check_at, now + timedelta(minutes=10))
    )
    assert f"The carrier is asked at {asked}" in shown.next_step
    assert f"If it does not have the call at {until}" in shown.next_step
    assert shown.next_step.endswith("or later, it counts as not placed, and the person is called again.")
    Call.objects.update(next_check_at=now + timedelta(minutes=11))
    assert "If it answers that it does not have the call, it counts as not placed" in read(lead).next_step
    Call.objects.update(carrier_sid="CA1", dial="placed")
    assert read(lead).next_step == "A call is out. What the person presses decides."


def test_closed_hours_name_the_place_and_where_it_is_from(lead: Lead) -> None:
    place = "By the phone's area code, California: 8 am to 9 pm; it is 6:31 am there"
    data = {"reason": "outside_calling_hours", "place": place}
    CallEvent.objects.create(
        verification=Verification.objects.get(), at=timezone.now(), code="waits", data=data
    )
    wait("outside_calling_hours")

    shown = read(lead)

    assert shown.reason_sentence == f"It is outside the hours at which the person may be called. {place}."
    assert shown.next_step.endswith(
        f"{shown.reason_sentence} Calls are spread over the first 10 minutes after the hours begin."
    )
    assert "By the phone&#x27;s area code, California" in page()


@pytest.mark.parametrize(
    ("prepare", "sentence", "change"),
    [
        (lambda: Channel.objects.all().delete(), "The workspace has no channel.", "add a channel"),
        (
            lambda: Channel.objects.update(is_enabled=False),
            "No channel of the workspace can call: Atlanta line is disabled.",
            "enable Atlanta line, or add a channel",
        ),
        (
            lambda: Channel.objects.update(flagged_at=timezone.now(), flag_reason="spam"),
            "No channel of the workspace can call: Atlanta line is flagged.",
            "remove the flag of Atlanta line, or add a channel",
        ),
        (
            lambda: Dialer.objects.update(seen_at=timezone.now() - timedelta(minutes=1)),
            "No dialer runs, so no one is called.",
            "start a dialer",
        ),
    ],
)
def test_due_lead_names_what_holds_it_back(
    lead: Lead, prepare: Callable[[], object], sentence: str, change: str
) -> None:
    ChannelFactory(account__workspace=lead.workspace, name="Atlanta line")
    Verification.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    prepare()

    shown = read(lead)

    assert (shown.reason_sentence, shown.change) == (sentence, change)
    assert shown.next_step.endswith(
        f"Why it does not go out: {sentence} What would have to change: {change}."
    )
    sent = explain(lead, is_for_source=True).verifications[-1]
    assert "Atlanta line" not in sent.next_step + sent.reason_sentence


def test_call_that_rang_too_long_says_so(lead: Lead) -> None:
    event = CallEvent(verification=Verification.objects.get(), at=timezone.now(), code="hung_up")
    event.data = {"why": "too_long"}
    event.save()
    wait("canceled")

    assert read(lead).reason_sentence == "The call rang or lasted longer than it may, so LeadSwitch ended it."


def test_lead_without_further_call_says_why_on_its_page(lead: Lead) -> None:
    data = {"reason": "phone_blocked", "end": "sell"}
    CallEvent.objects.create(
        verification=Verification.objects.get(), at=timezone.now(), code="gave_up", data=data
    )
    Verification.objects.update(
        state="unverified", reason="phone_blocked", due_at=None, ended_at=timezone.now()
    )
    Lead.objects.update(verification="unverified")
    lead.refresh_from_db()

    [panel] = build_page(lead).verifications

    assert panel.why == (
        "There is no further call (the phone is on the list of blocked phones): the lead is sold unverified."
    )


def test_time_of_the_next_call_is_also_local(lead: Lead) -> None:
    wait("busy")
    lead.workspace.timezone = ZONE
    lead.workspace.save(update_fields=["timezone"])

    assert (
        f" {ZONE}) on, as soon as a line is free. Why not before: The line was busy." in read(lead).next_step
    )
