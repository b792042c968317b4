"""A call from its request to what becomes of its lead, with reports from a carrier in a process of its own."""

import pytest

from distribution.calls.applying import apply_new
from distribution.models import BlockedPhone, Verification
from routing.models import Lead
from tests.support.calling import Office, story_of


@pytest.mark.parametrize(
    ("digits", "outcome", "lead", "verification"),
    [
        ("01", "confirmed", ("pending", "call"), "verified"),
        ("02", "declined", ("failed", "declined"), "declined"),
        ("03", "no_input", ("gated", ""), "waiting"),
        ("04", "voicemail", ("gated", ""), "waiting"),
        ("05", "busy", ("gated", ""), "waiting"),
        ("06", "no_answer", ("gated", ""), "waiting"),
        ("07", "failed", ("gated", ""), "waiting"),
        ("08", "voicemail", ("gated", ""), "waiting"),
        ("09", "opted_out", ("failed", "declined"), "declined"),
        ("10", "no_input", ("gated", ""), "waiting"),
        ("20", "confirmed", ("pending", "call"), "verified"),
        ("21", "confirmed", ("pending", "call"), "verified"),
        ("29", "confirmed", ("pending", "call"), "verified"),
    ],
)
def test_lead_moves_on_after_its_call(
    office: Office, digits: str, outcome: str, lead: tuple[str, str], verification: str
) -> None:
    office.carrier.configure(second_ms=20)
    call = office.begin(digits)
    office.request(call)

    office.finish(call)

    assert (call.outcome, call.ended_by, call.next_check_at) == (outcome, "webhook", None)
    found = Lead.objects.get(pk=call.lead_id)
    assert ((found.status, found.verification), found.locked_by) == (lead, "")
    assert Verification.objects.get().state == verification
    assert BlockedPhone.objects.count() == (1 if outcome == "opted_out" else 0)
    [at_carrier] = office.carrier.calls()
    assert (at_carrier["sid"], at_carrier["problem"]) == (call.carrier_sid, "")


def test_story_of_a_confirmed_call(office: Office) -> None:
    call = office.begin("01")
    office.request(call)
    office.wait_until_reported()

    assert apply_new(limit=10) == 6
    assert apply_new(limit=10) == 0

    assert story_of(call) == ["key", "answered", "verified", "ended"]
