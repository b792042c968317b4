"""What happened to the leads that were called, as a table, and the story of the one that was called twice."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from distribution.models import Call, CallEvent, Verification, VerificationState
from leadswitch.demo.calls import PEOPLE, SECOND_MS, Called
from routing.models import Lead, LeadStatus
from tracing.call_events import OUTCOMES, describe_call_event
from tracing.skip_reasons import SKIP_REASONS
from tracing.wording import sentence

SHOWN: Final = "cleo"


def tell(called: Called) -> str:
    """What to know first, the people in their order, how many of them were verified, then the story of one."""
    if not called.leads:
        return called.why
    lines = (*_introduce(called), "", *_tell_people(called), "", _count(called), "")
    return "\n".join([*lines, *_tell_story(called.leads[SHOWN])])


def _introduce(called: Called) -> Iterator[str]:
    yield f"They live in {called.place}, where the calling hours allow calls now."
    yield f"The carrier rings nobody's phone, and its clock runs {1000 // SECOND_MS} times faster: its 3 s last 0.1 s."
    yield "The campaign allows one call that a machine answers. The default is two, hours apart."


def _tell_people(called: Called) -> Iterator[str]:
    for person in PEOPLE:
        lead = Lead.objects.get(pk=called.leads[person.name])
        calls = Call.objects.filter(lead=lead).order_by("pk").values_list("outcome", flat=True)
        heard = "; ".join(OUTCOMES[outcome] for outcome in calls)
        verification = VerificationState(Verification.objects.get(lead=lead).state).label
        yield f"{person.name.title()} {person.title}."
        yield f"  calls: {heard}"
        yield f"  {sentence(verification)} {_tell_end(lead)}"


def _tell_end(lead: Lead) -> str:
    if lead.status == LeadStatus.FAILED and lead.skip_reason in SKIP_REASONS:
        return f"The lead is not sold. {SKIP_REASONS[lead.skip_reason].sentence}"
    return f"The lead is {LeadStatus(lead.status).label}."


def _count(called: Called) -> str:
    states = Counter(
        Verification.objects.filter(lead__in=called.leads.values()).values_list("state", flat=True)
    )
    verified, declined = states[VerificationState.VERIFIED], states[VerificationState.DECLINED]
    return (
        f"{verified} of {len(called.leads)} verified and sold, {declined} declined, "
        f"{states[VerificationState.UNVERIFIED]} not verified."
    )


def _tell_story(lead_id: int) -> Iterator[str]:
    yield f"The story of {SHOWN.title()}. The demo is the operator, so that nobody waits ten minutes:"
    events = CallEvent.objects.filter(verification__lead=lead_id).order_by("at", "pk")
    for event in events:
        yield f"  {event.at:%H:%M:%S.%f}"[:-3] + f"  {describe_call_event(event.code, event.data)}"
    yield f"  .venv/bin/python manage.py explain {Lead.objects.get(pk=lead_id).public_id}"
