"""Begins a call: every condition is checked, a line is taken, and the call is committed before its request.

One short transaction, in this order: the lead's status, pauses, whether its campaign still asks, the phone, calling
hours, blocked phones, consent, how often the person was called, the channel, its line and pace, the call's row, the
lead's claim. Nothing is asked of the carrier here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from distribution.calls.allowing import (
    LOOK_AGAIN,
    Refusal,
    find_margin,
    find_most_calls,
    find_places_of,
    find_refusal,
    still_asks,
)
from distribution.calls.calling_rules import hold_hours, read_calling_rules
from distribution.calls.channels import Caller, ChannelSeen, find_usable, rank_channels, read_channels
from distribution.calls.counting import Began
from distribution.calls.facts import CallFacts, lock_and_read
from distribution.calls.hours.area_codes import read_area_code
from distribution.calls.hours.check import check_hours
from distribution.calls.hours.places import Places, Unplaced
from distribution.calls.hours.rules import Rules
from distribution.calls.lines import TIME_LIMIT_SECONDS, LineTaken, NewCall, NoLine, insert_call, take_line
from distribution.calls.locks import lock_verification
from distribution.calls.settling import give_up
from distribution.calls.story import tell
from distribution.models import CarrierAccount, Verification, VerificationState
from routing.leads.abandoned import log_attempts
from routing.leads.attempt_log import AttemptLine
from routing.leads.claim import claim_locked, release
from routing.leads.finish import VERIFICATION_ENDED
from routing.locks.attempts import LockedLead, lock_lead
from routing.locks.leads_to_end import lock_unverified_lead
from routing.models import LeadStatus, Workspace
from routing.places.zips import list_states_of
from tracing.call_events import CallEventCode

# `reconcile expiry` ends a lead that has expired.
EXPIRED_LOOK_AGAIN: Final = timedelta(minutes=5)
# Their verifications are woken by a change of hours, which waits for who parks one (calling_rules.py).
OF_HOURS: Final = frozenset(
    {"outside_calling_hours", "no_calling_hours", "called_too_often", "channel_closed"}
)
# Nobody reads why for the moment that these last.
UNTOLD: Final = frozenset({"paced"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A call that is committed and not requested yet. `wait_seconds`: until the pace allows its request.

    `began`: for the metrics; a test call has none.
    """

    call_id: int
    public_id: UUID
    account: CarrierAccount = field(repr=False)
    to: str = field(repr=False)
    from_number: str = field(repr=False)
    ring_seconds: int
    time_limit_seconds: int
    records: bool
    wait_seconds: float
    began: Began | None = None


@dataclass(frozen=True, slots=True)
class NotBegun:
    """`reason`: why no call goes out, a code of WAIT_REASONS, or of a race. `due_at`: when it is tried again.

    `due_at` None: the verification was not moved, or has ended.
    """

    reason: str
    due_at: datetime | None = None


Result = Begun | NotBegun
Lines = Sequence[AttemptLine]


def begin_call(verification_id: int, *, at: datetime | None = None) -> Result:
    """Begin the call of a verification, or say why not. Must run outside a transaction. `at` None: now.

    A channel that turns out to be full is left out, and the whole transaction runs again.
    """
    left_out: dict[int, NoLine] = {}
    while True:
        try:
            with transaction.atomic(durable=True):
                result, lines = _begin(verification_id, left_out, at)
        except NoLine as error:
            left_out[error.channel_id] = error
            continue
        log_attempts(lines)
        return result


def _begin(verification_id: int, left_out: dict[int, NoLine], now: datetime | None) -> tuple[Result, Lines]:
    lead_id = Verification.objects.values_list("lead_id", flat=True).filter(pk=verification_id).first()
    lead = None if lead_id is None else lock_lead(lead_id)
    if lead is None:
        return NotBegun("lead_busy"), ()
    at = now or lead.locked_at
    if lead.status != LeadStatus.GATED:
        return NotBegun("not_gated"), ()
    facts = lock_and_read(verification_id, phone_hash=lead.phone_hash, at=at)
    if not facts.is_due(at):
        return NotBegun("not_due", facts.due_at), ()
    return _Beginning(lead, facts, at, left_out).run()


@dataclass(frozen=True, slots=True)
class _Beginning:
    """One verification, locked with its lead."""

    lead: LockedLead
    facts: CallFacts
    at: datetime
    left_out: dict[int, NoLine]

    def run(self) -> tuple[Result, Lines]:
        lead, facts, at = self.lead, self.facts, self.at
        if lead.is_paused:
            return self._wait(Refusal(_name_pause(lead.workspace_id))), ()
        if lead.expires_at <= at:
            return self._wait(Refusal(facts.reason, due_at=at + EXPIRED_LOOK_AGAIN)), ()
        if not still_asks(facts, lead):
            release(
                lead.id, status=LeadStatus.PENDING, at=at, next_attempt_at=at, due_reason=VERIFICATION_ENDED
            )
            return NotBegun("not_asked"), ()
        places = find_places_of(lead)
        rules = _read_rules(places)
        refusal = find_refusal(facts, lead, places=places, rules=rules, at=at)
        if refusal is not None and refusal.reason in OF_HOURS:
            hold_hours()
            rules = _read_rules(places)
            refusal = find_refusal(facts, lead, places=places, rules=rules, at=at)
        if refusal is not None:
            return self._end(refusal) if refusal.is_final else (self._wait(refusal), ())
        return self._dial(places, rules), ()

    def _dial(self, places: Places | Unplaced, rules: Rules) -> Result:
        channels = read_channels(self.facts.workspace_id)
        usable, refusal = self._find_usable(channels, places, rules)
        if refusal is not None and refusal.reason in OF_HOURS:
            hold_hours()
            channels = read_channels(self.facts.workspace_id)
            usable, refusal = self._find_usable(channels, places, rules)
        if refusal is not None:
            return self._wait(refusal)
        phone = self.lead.contact.phone
        caller = Caller(read_area_code(phone), list_states_of(self.lead.zip[:5]))
        best = rank_channels(usable, to=caller)[0]
        line = take_line(best.id, account_id=best.account_id, at=self.at)
        return self._write(line, most=find_most_calls(places, rules=rules))

    def _find_usable(
        self, channels: Sequence[ChannelSeen], places: Places | Unplaced, rules: Rules
    ) -> tuple[Sequence[ChannelSeen], Refusal | None]:
        margin = find_margin(self.facts)
        usable, reason = find_usable(channels, at=self.at, margin=margin)
        usable = [each for each in usable if each.id not in self.left_out]
        if usable:
            return usable, None
        if not reason:
            last = [*self.left_out.values()][-1]
            return [], Refusal(last.reason)
        due_at = self._find_opening(channels, places, rules) if reason == "channel_closed" else None
        return [], Refusal(reason, due_at=due_at)

    def _find_opening(
        self, channels: Sequence[ChannelSeen], places: Places | Unplaced, rules: Rules
    ) -> datetime:
        """When the law and the first channel allow a call. If that is far away, look again tomorrow."""
        assert not isinstance(places, Unplaced)  # noqa: S101 - a lead without a place does not get here
        margin = find_margin(self.facts)
        opens = (
            check_hours(places, rules=rules, at=self.at, margin=margin, channel_hours=each.hours).opens_at
            for each in channels
            if each.account_is_open
        )
        return min((each for each in opens if each is not None), default=self.at + timedelta(days=1))

    def _write(self, line: LineTaken, *, most: int) -> Result:
        lead, facts, at = self.lead, self.facts, self.at
        new = NewCall(
            ring_seconds=facts.ring_seconds,
            records=facts.records,
            phone_hash=lead.phone_hash,
            lead_id=lead.id,
            verification_id=facts.id,
            number=facts.tries + 1,
            most=most,
        )
        written = insert_call(new, line=line, at=at)
        if written is None:
            return self._wait(Refusal("phone_in_call", due_at=at + LOOK_AGAIN))
        call_id, public_id = written
        claim_locked(lead, owner=f"call:{public_id}", at=at)
        Verification.objects.filter(pk=facts.id).update(
            state=VerificationState.CALLING, due_at=None, reason="", tries=facts.tries + 1
        )
        tell(
            CallEventCode.PLACING,
            at=at,
            verification_id=facts.id,
            call_id=call_id,
            channel=str(line.channel.public_id),
            number=new.number,
        )
        return Begun(
            call_id=call_id,
            public_id=public_id,
            account=line.account,
            to=lead.contact.phone,
            from_number=line.channel.number,
            ring_seconds=facts.ring_seconds,
            time_limit_seconds=TIME_LIMIT_SECONDS,
            records=facts.records,
            wait_seconds=(line.slot - at).total_seconds(),
            began=self._describe_begin(line),
        )

    def _describe_begin(self, line: LineTaken) -> Began:
        due_at = self.facts.due_at
        assert due_at is not None  # noqa: S101 - it is due
        return Began(
            channel_id=line.channel.pk,
            free=line.free,
            lines=line.channel.lines,
            possible_at=due_at if line.paced_until is None else max(due_at, line.paced_until),
            at=self.at,
        )

    def _wait(self, refusal: Refusal) -> NotBegun:
        """Move the due time, if it is known, and tell why if that is new."""
        facts, at = self.facts, self.at
        changes: dict[str, Any] = {} if refusal.due_at is None else {"due_at": refusal.due_at}
        if refusal.reason not in (facts.reason, *UNTOLD):
            changes["reason"] = refusal.reason
            tell(CallEventCode.WAITS, at=at, verification_id=facts.id, **refusal.describe())
        if changes:
            Verification.objects.filter(pk=facts.id).update(**changes)
        return NotBegun(refusal.reason, refusal.due_at)

    def _end(self, refusal: Refusal) -> tuple[NotBegun, Lines]:
        """The person can never be called."""
        lead = lock_unverified_lead(self.lead.id)
        assert lead is not None  # noqa: S101 - it is gated, and this transaction has its lock
        lines = give_up(lock_verification(self.facts.id), lead, reason=refusal.reason, at=self.at)
        return NotBegun(refusal.reason), lines


def _name_pause(workspace_id: int) -> str:
    is_workspace = Workspace.objects.filter(pk=workspace_id, paused_at__isnull=False).exists()
    return "workspace_paused" if is_workspace else "product_paused"


def _read_rules(places: Places | Unplaced) -> Rules:
    return {} if isinstance(places, Unplaced) else read_calling_rules(places)
