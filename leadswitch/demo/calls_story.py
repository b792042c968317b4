"""What happened to the leads that were called, as a table, and the story of the one that was called twice."""

from collections.abc import Iterator
from typing import Final

from distribution.models import Call, CallEvent, Verification, VerificationState
from leadswitch.demo.calls import PEOPLE, Called
from routing.models import Lead
from tracing.call_events import OUTCOMES, describe_call_event
from tracing.skip_reasons import SKIP_REASONS

SHOWN: Final = "cleo"


def tell(called: Called) -> str:
    """The people in their order, then the story of one."""
    if not called.leads:
        return called.why
    return "\n".join([*_tell_people(called), "", *_tell_story(called.leads[SHOWN])])


def _tell_people(called: Called) -> Iterator[str]:
    for person in PEOPLE:
        lead = Lead.objects.get(pk=called.leads[person.name])
        calls = Call.objects.filter(lead=lead).order_by("pk").values_list("outcome", flat=True)
        heard = "; ".join(OUTCOMES[outcome] for outcome in calls)
        reason = SKIP_REASONS.get(lead.skip_reason)
        why = f": {reason.sentence}" if reason and lead.status == "failed" else ""
        verification = VerificationState(Verification.objects.get(lead=lead).state).label
        yield f"{person.name.title()} {person.title}."
        yield f"  calls: {heard}"
        yield f"  {verification}; the lead is {lead.status}{why}"


def _tell_story(lead_id: int) -> Iterator[str]:
    yield f"The story of {SHOWN.title()}:"
    events = CallEvent.objects.filter(verification__lead=lead_id).order_by("at", "pk")
    for event in events:
        yield f"  {event.at:%H:%M:%S.%f}"[:-3] + f"  {describe_call_event(event.code, event.data)}"
