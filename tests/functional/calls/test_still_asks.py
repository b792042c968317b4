"""Whether a campaign still asks for a verification: the gate, the beginning of a call, the trigger and the reconciler.

They say it in Python and in SQL, and must agree, or a lead is let go by one and gated by the next without end.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, Final

import pytest
from django.db import transaction
from django.utils import timezone

from distribution.calls.allowing import still_asks
from distribution.calls.facts import lock_and_read
from distribution.engine import compile_campaign, decide
from distribution.models import Campaign, Verification
from distribution.reconcile import verifications
from routing.locks.attempts import lock_lead
from routing.locks.leads_to_end import lock_unverified_lead
from tests.support.factories import VerificationFactory
from tests.unit.engine.builders import definition, facts

pytestmark = pytest.mark.usefixtures("committed_db")

KIND: Final = "given_at"
CONSENTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"token": "https://cert.example/1"},
    {KIND: "2026-03-01T12:00:00Z"},
)
TABLE: Final = list(product((True, False), ("none", "required", "unless_consent"), CONSENTS))


def expect(*, active: bool, needed: str, consent: dict[str, Any]) -> bool:
    return active and (needed == "required" or (needed == "unless_consent" and KIND not in consent))


def ask_gate(needed: str, consent: dict[str, Any]) -> bool:
    asks = definition(verification=needed, consent_kind=KIND)
    found = facts(asks)
    lead = replace(found.lead, consents=tuple(consent))
    return decide(compile_campaign(asks), replace(found, lead=lead)).outcome == "gated"


def ask_call(waiting: Verification) -> bool:
    with transaction.atomic():
        lead = lock_lead(waiting.lead_id)
        assert lead is not None
        return still_asks(lock_and_read(waiting.pk, phone_hash=lead.phone_hash, at=timezone.now()), lead)


def ask_reconciler(waiting: Verification) -> tuple[bool, bool]:
    """Of one lead, and in its search."""
    with transaction.atomic():
        lead = lock_unverified_lead(waiting.lead_id)
        assert lead is not None
        asked = verifications._is_asked(waiting, lead)
    return asked, verifications._find_verifications(0, 10)[0] == []


@pytest.mark.parametrize(("active", "needed", "consent"), TABLE)
def test_all_agree_whether_a_campaign_still_asks(
    *, active: bool, needed: str, consent: dict[str, Any]
) -> None:
    later = timezone.now() + timedelta(hours=1)
    waiting = VerificationFactory(
        lead__consent=consent,
        due_at=later,
        campaign__verification="unless_consent" if needed == "required" else "required",
    )
    # The trigger: one for which the campaign still asks keeps its time.
    changed = Campaign.objects.filter(pk=waiting.campaign_id)
    assert changed.update(active=active, verification=needed, consent_kind=KIND) == 1
    keeps_its_time = Verification.objects.get().due_at == later

    expected = expect(active=active, needed=needed, consent=consent)
    assert keeps_its_time == expected
    assert ask_call(waiting) == expected
    assert ask_reconciler(waiting) == (expected, expected)
    if active:
        assert ask_gate(needed, consent) == expected
