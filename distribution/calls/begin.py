"""Begins a call: every condition is checked, a line is taken, and the call is committed before its request.

One short transaction, in this order: the lead's status, pauses, whether its campaign still asks, whether its calls are
used up, the phone, calling hours, blocked phones, consent, how often the person was called, the channel, its line, the
call's row and its pace, the lead's claim. Nothing is asked of the carrier here.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from distribution.calls.allowing import (
    LOOK_AGAIN,
    Refusal,
    check_promise,
    find_most_calls,
    find_places_of,
    find_refusal,
    still_asks,
)
from distribution.calls.calling_rules import lock_hours, read_calling_rules
from distribution.calls.channels import ChannelSeen, read_channels
from distribution.calls.choosing import Choosing, Excluded
from distribution.calls.counting import LineGap
from distribution.calls.facts import CallFacts, lock_and_read
from distribution.calls.hours.places import Places, Unplaced
from distribution.calls.hours.rules import Rules
from distribution.calls.lines import (
    TIME_LIMIT_SECONDS,
    LineTaken,
    NewCall,
    NoLine,
    insert_call,
    is_in_call,
    take_line,
)
from distribution.calls.locks import lock_verification
from distribution.calls.settling import find_late, give_up
from distribution.calls.story import tell
from distribution.calls.tries import check_tries
from distribution.models import CarrierAccount, Verification, VerificationState
from routing.leads.abandoned import log_attempts
from routing.leads.attempt_log import AttemptLine
from routing.leads.claim import claim_locked, release
from routing.leads.finish import VERIFICATION_ENDED
from routing.locks.attempts import LockedLead, lock_lead
from routing.locks.leads_to_end import lock_unverified_lead
from routing.models import LeadStatus, Workspace
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

    `gap`: for the metrics; a test call has none. `begun_at_seconds`: on the monotonic clock of this process.
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
    gap: LineGap | None = None
    begun_at_seconds: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True, slots=True)
class NotBegun:
    """`reason`: why no call goes out, a code of WAIT_REASONS, or of a race. `due_at`: when it is tried again.

    `due_at` None: the verification was not moved, or has ended.
    """

    reason: str
    due_at: datetime | None = None


Result = Begun | NotBegun
Lines = Sequence[AttemptLine]


class HoursChanged(Exception):
    """Hours that refused a call allow it in the second look. Roll the transaction back, and begin again.

    It holds HOURS_LOCK. Who changes a channel has its row first and that lock then, so the locks of a channel must not
    follow here.
    """


def begin_call(verification_id: int, *, at: datetime | None = None, without: Collection[int] = ()) -> Result:
    """Begin the call of a verification, or say why not. Must run outside a transaction. `at` None: now.

    A channel that turns out to be full is left out, and the whole transaction runs again. `without`: carrier accounts
    over which it must not go.
    """
    left_out: dict[int, NoLine] = {}
    while True:
        try:
            with transaction.atomic(durable=True):
                result, lines = _begin(verification_id, Excluded(left_out, without), at)
        except HoursChanged:
            continue
        except NoLine as error:
            left_out[error.channel_id] = error
            continue
        log_attempts(lines)
        return result


def _begin(verification_id: int, excluded: Excluded, now: datetime | None) -> tuple[Result, Lines]:
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
    return _Beginning(lead, facts, at, excluded).run()


@dataclass(frozen=True, slots=True)
class _Beginning:
    """One verification, locked with its lead."""

    lead: LockedLead
    facts: CallFacts
    at: datetime
    excluded: Excluded

    def run(self) -> tuple[Result, Lines]:
        lead, facts, at = self.lead, self.facts, self.at
        if lead.is_paused:
            return self._wait(Refusal(_name_pause(lead.workspace_id))), ()
        if lead.expires_at <= at:
            return self._wait(Refusal(facts.reason, due_at=at + EXPIRED_LOOK_AGAIN)), ()
        if not still_asks(facts, lead):
            release(
                lead.id,
                owner="",
                status=LeadStatus.PENDING,
                at=at,
                next_attempt_at=at,
                due_reason=VERIFICATION_ENDED,
            )
            return NotBegun("not_asked"), ()
        refusal = check_promise(facts, at=at) or check_tries(facts, at=at)
        if refusal is not None:
            return self._refuse(refusal)
        return self._look_at_person()

    def _look_at_person(self) -> tuple[Result, Lines]:
        places = find_places_of(self.lead)
        rules = _read_rules(places)
        refusal = find_refusal(self.facts, self.lead, places=places, rules=rules, at=self.at)
        if refusal is not None and refusal.reason in OF_HOURS:
            lock_hours()
            rules = _read_rules(places)
            refusal = find_refusal(self.facts, self.lead, places=places, rules=rules, at=self.at)
            if refusal is None:
                raise HoursChanged
        if refusal is None:
            return self._dial(places, rules)
        if refusal.is_final and refusal.place:
            # The end of the verification has the reason alone.
            tell(CallEventCode.WAITS, at=self.at, verification_id=self.facts.id, **refusal.describe())
        return self._refuse(refusal)

    def _dial(self, places: Places | Unplaced, rules: Rules) -> tuple[Result, Lines]:
        choosing = Choosing(
            lead=self.lead,
            facts=self.facts,
            places=places,
            rules=rules,
            excluded=self.excluded,
            at=self.at,
        )
        chosen = choosing.choose(read_channels(self.facts.workspace_id))
        if isinstance(chosen, Refusal) and chosen.reason in OF_HOURS:
            lock_hours()
            chosen = choosing.choose(read_channels(self.facts.workspace_id))
            if isinstance(chosen, ChannelSeen):
                raise HoursChanged
        if isinstance(chosen, Refusal):
            return self._refuse(chosen)
        line = take_line(chosen.id, account_id=chosen.account_id, at=self.at)
        return self._write(line, most=find_most_calls(places, rules=rules))

    def _write(self, line: LineTaken, *, most: int) -> tuple[Result, Lines]:
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
            reason = "phone_in_call" if is_in_call(lead.phone_hash) else "called_too_often"
            return self._refuse(Refusal(reason, due_at=at + LOOK_AGAIN))
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
        return self._describe(line, call_id=call_id, public_id=public_id), ()

    def _describe(self, line: LineTaken, *, call_id: int, public_id: UUID) -> Begun:
        facts = self.facts
        return Begun(
            call_id=call_id,
            public_id=public_id,
            account=line.account,
            to=self.lead.contact.phone,
            from_number=line.channel.number,
            ring_seconds=facts.ring_seconds,
            time_limit_seconds=TIME_LIMIT_SECONDS,
            records=facts.records,
            wait_seconds=(line.slot - self.at).total_seconds(),
            gap=self._describe_gap(line),
        )

    def _describe_gap(self, line: LineTaken) -> LineGap:
        due_at = self.facts.due_at
        assert due_at is not None  # noqa: S101 - it is due
        return LineGap(
            channel_id=line.channel.pk,
            free=line.free,
            lines=line.channel.lines,
            possible_at=due_at if line.paced_until is None else max(due_at, line.paced_until),
            at=self.at,
        )

    def _refuse(self, refusal: Refusal) -> tuple[NotBegun, Lines]:
        """A call that the lead does not live to see is none: what its campaign says of the end counts."""
        due_at, ends_at = refusal.due_at, self.facts.promise_ends_at
        if refusal.is_final:
            return self._end(refusal.reason)
        late = None if due_at is None else find_late(self.lead, due_at, promise_ends_at=ends_at, at=self.at)
        return (self._wait(refusal), ()) if late is None else self._end(late or refusal.reason)

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

    def _end(self, reason: str) -> tuple[NotBegun, Lines]:
        """The person is never called again."""
        lead = lock_unverified_lead(self.lead.id)
        assert lead is not None  # noqa: S101 - it is gated, and this transaction has its lock
        lines = give_up(lock_verification(self.facts.id), lead, reason=reason, at=self.at)
        return NotBegun(reason), lines


def _name_pause(workspace_id: int) -> str:
    is_workspace = Workspace.objects.filter(pk=workspace_id, paused_at__isnull=False).exists()
    return "workspace_paused" if is_workspace else "product_paused"


def _read_rules(places: Places | Unplaced) -> Rules:
    return {} if isinstance(places, Unplaced) else read_calling_rules(places)
