"""Whether a person could be called now: the conditions of `begin_call` before a channel is chosen. Writes nothing."""

from datetime import datetime

from django.db import transaction

from distribution.calls.allowing import Refusal, find_places_of, find_refusal
from distribution.calls.calling_rules import read_calling_rules
from distribution.calls.facts import lock_and_read
from distribution.calls.hours.places import Unplaced
from distribution.models import Verification
from routing.locks.attempts import lock_lead


def find_refusal_now(verification: Verification, *, at: datetime) -> Refusal | None:
    """Why no call would go out; None also if its lead is busy. Locks lead and verification for a moment."""
    with transaction.atomic():
        lead = lock_lead(verification.lead_id)
        if lead is None:
            return None
        facts = lock_and_read(verification.pk, phone_hash=lead.phone_hash, at=at)
        places = find_places_of(lead)
        rules = {} if isinstance(places, Unplaced) else read_calling_rules(places)
        return find_refusal(facts, lead, places=places, rules=rules, at=at)
