"""People who are called, and the pages of their calls for the browser tests and the screenshots."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.calls.blocking import block_phone
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.states import Said
from distribution.calls.story import tell, tell_of
from distribution.models import (
    BlockedPhone,
    Call,
    CallPolicy,
    Campaign,
    CarrierAccount,
    Channel,
    Verification,
    VerificationState,
)
from routing.models import Lead, LeadStatus, Source
from tests.support.admin_pages import page as path_of
from tests.support.factories import (
    CallFactory,
    CallPolicyFactory,
    CampaignFactory,
    CarrierAccountFactory,
    ChannelFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    person,
)
from tracing.call_events import CallEventCode


def gate_lead(source: Source, **values: Any) -> Lead:
    """A lead that its campaign held back for a call."""
    lead = LeadFactory(source=source, vertical="windows", **{**person(), **values})
    assert distribute_lead(lead.pk).result == "gated"
    return Lead.objects.get(pk=lead.pk)


def place_call(lead: Lead, channel: Channel, *, at: datetime, number: int = 1) -> Call:
    """What the dialer writes: the call, the lead's claim, and the story."""
    verification = Verification.objects.get(lead=lead)
    made = CallFactory(
        verification=verification, channel=channel, number=number, created_at=at, dialed_at=at, dial="placed"
    )
    call = Call.objects.get(pk=made.pk)
    Verification.objects.filter(pk=verification.pk).update(
        state=VerificationState.CALLING, due_at=None, reason="", tries=number
    )
    Lead.objects.filter(pk=lead.pk).update(status=LeadStatus.CALLING, locked_by=call.owner, locked_at=at)
    tell_of(call, CallEventCode.PLACING, at=at, channel=channel.name, number=number)
    tell_of(call, CallEventCode.PLACED, at=at)
    return call


def say(call: Call, *said: Said, at: datetime) -> None:
    """What the carrier reports, a few seconds apart."""
    for seconds, each in enumerate(said):
        with transaction.atomic():
            hear(lock_call(call.pk), each, by="webhook", at=at + timedelta(seconds=4 * seconds))


def build_office() -> tuple[Campaign, Source, Channel]:
    campaign = CampaignFactory(
        name="Windows",
        vertical="windows",
        price_cents=3_000,
        verification="required",
        unverified_end="person",
    )
    EnrollmentFactory(campaign=campaign, buyer__name="Clearview Windows", buyer__credits_cents=100_000)
    account = CarrierAccountFactory(workspace=campaign.workspace, name="Twilio", calls_per_second=1)
    channel = ChannelFactory(account=account, name="Atlanta line", lines=3, area_codes=["404", "470"])
    return campaign, SourceFactory(workspace=campaign.workspace), channel


def make_calls() -> None:
    """Leads that wait, are being called, wait for an operator, were verified, declined, and called again."""
    campaign, source, channel = build_office()
    at = timezone.now() - timedelta(minutes=50)
    ChannelFactory(
        account=channel.account,
        name="Savannah line",
        flagged_at=at,
        flag_reason="Phones show it as spam.",
        is_enabled=True,
    )
    CallPolicyFactory(campaign=campaign)
    block_phone("404 555 0199", workspace=campaign.workspace, actor="root", reason="asked by mail")
    ringing = (Said(status="ringing"),)
    confirmed = place_call(gate_lead(source), channel, at=at)
    answered = (Said(status="in-progress", answered_by="human"), Said(key="1"))
    over = (Said(status="completed", duration_seconds=23),)
    say(confirmed, *ringing, *answered, *over, at=at)
    Call.objects.filter(pk=confirmed.pk).update(
        cost_micros=14_000, cost_currency="USD", carrier_sid="CA" + "7" * 32, records=True
    )
    distribute_lead(confirmed.lead_id or 0)
    declined = place_call(gate_lead(source), channel, at=at + timedelta(minutes=5))
    say(declined, *ringing, answered[0], Said(key="2"), *over, at=at + timedelta(minutes=5))
    missed = place_call(gate_lead(source), channel, at=at + timedelta(minutes=9))
    say(missed, *ringing, Said(status="no-answer"), at=at + timedelta(minutes=9))
    waits = gate_lead(source)
    tell(
        CallEventCode.WAITS,
        at=at,
        verification_id=Verification.objects.get(lead=waits).pk,
        reason="outside_calling_hours",
        place="Georgia: 8 am to 9 pm; it is 7:12 am there",
    )
    Verification.objects.filter(lead=waits).update(
        due_at=timezone.now() + timedelta(hours=2), reason="outside_calling_hours"
    )
    decides = Verification.objects.filter(lead=gate_lead(source))
    decides.update(state=VerificationState.PERSON, due_at=None, reason="no_phone")
    say(place_call(gate_lead(source), channel, at=timezone.now()), *ringing, at=timezone.now())


def call_pages() -> dict[str, str]:
    verified = Call.objects.filter(outcome="confirmed").latest("pk")
    missed = Call.objects.filter(outcome="no_answer").latest("pk")
    out = Call.objects.filter(ended_at__isnull=True).latest("pk")
    waits = Verification.objects.filter(state=VerificationState.PERSON).latest("pk")
    channel, account = out.channel, out.account
    trace = {"lead-trace-verified": verified, "lead-trace-called-again": missed, "lead-trace-called": out}
    return {
        **{
            name: reverse("admin:routing_lead_trace", args=[call.lead.public_id])
            for name, call in trace.items()
            if call.lead is not None
        },
        "call-confirmed": path_of(Call, "change", verified.pk),
        "call-out": path_of(Call, "change", out.pk),
        "verification-verified": path_of(Verification, "change", verified.verification_id),
        "verification-waits-for-a-person": path_of(Verification, "change", waits.pk),
        "verification-verify": reverse("admin:distribution_verification_do", args=[waits.pk, "verify"]),
        "verification-open": f"{path_of(Verification, 'changelist')}?open=1",
        "channel-page": path_of(Channel, "change", channel.pk),
        "channel-lines": reverse("admin:distribution_channel_lines", args=[channel.pk]),
        "channel-test-call": reverse("admin:distribution_channel_do", args=[channel.pk, "test"]),
        "channel-flag": reverse("admin:distribution_channel_do", args=[channel.pk, "flag"]),
        "carrier-page": path_of(CarrierAccount, "change", account.pk),
        "carrier-token": reverse("admin:distribution_carrieraccount_do", args=[account.pk, "token"]),
        "carrier-try": reverse("admin:distribution_carrieraccount_try", args=[account.pk]),
        "blocked-phone-add": path_of(BlockedPhone, "add"),
        "call-policy": path_of(CallPolicy, "change", CallPolicy.objects.latest("pk").pk),
        "campaign-verification": path_of(Campaign, "change", Campaign.objects.get(name="Windows").pk),
    }
