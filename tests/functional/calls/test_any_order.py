"""Reports and polls of one call, doubled, lost, late and in any order: one end, one free line, one way on for the lead.

The oracle knows what the carrier's call came to and which reports arrived. It shares no code with the product.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from distribution.calls import hearing
from distribution.calls.applying import apply_new
from distribution.calls.binding import bind_and_tell
from distribution.calls.carrier import CallSeen, CarrierClient, EndStatus
from distribution.calls.checking import check_due
from distribution.calls.inbox import store
from distribution.calls.locks import lock_call
from distribution.calls.notices import Notice
from distribution.calls.states import Known, Said
from distribution.models import BlockedPhone, Call, CallEvent, CallNotice, Verification
from routing.models import Lead
from tests.support.factories import CallFactory, person
from tracing.models import Attempt

EXAMPLES: Final = 1_000 if settings.get_current_profile_name() == "thorough" else 60
MACHINE: Final = "machine_start"
RANKS: Final = ("created", "dialing", "queued", "ringing", "in_progress", "ended")


@dataclass(frozen=True)
class Report:
    """What the carrier reports, in the order in which it happens. `shows`: what a poll at this moment says."""

    kind: str
    status: str
    shows: str
    key: str = ""
    answered_by: str = ""


def tell_story(name: str, key: str = "") -> list[Report]:
    """The reports of a call: unanswered with this end, or answered by a person or a machine."""
    begins = [Report("status", "initiated", "queued"), Report("status", "ringing", "ringing")]
    if name in ("busy", "no-answer", "canceled"):
        return [*begins, Report("status", name, name)]
    if name == "failed":
        return [begins[0], Report("status", "failed", "failed")]
    by = MACHINE if name == "machine" else "human"
    up = [
        Report("status", "in-progress", "in-progress"),
        Report("script", "in-progress", "in-progress", answered_by=by),
        *([] if by == MACHINE else [Report("keys", "in-progress", "in-progress", key="5", answered_by=by)]),
        *([Report("keys", "in-progress", "in-progress", key=key, answered_by=by)] if key else []),
    ]
    return [*begins, *up, Report("status", "completed", "completed", answered_by=by)]


STORIES: Final = [
    *((name, "") for name in ("busy", "no-answer", "failed", "canceled", "machine", "human")),
    *(("human", key) for key in "129"),
]
# What the lead's verification comes to, by what the call came to.
ENDS: Final = {"confirmed": "verified", "declined": "declined", "opted_out": "declined"}
OUTCOMES: Final = {
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "canceled",
    "machine": "voicemail",
    "human": "no_input",
    "1": "confirmed",
    "2": "declined",
    "9": "opted_out",
}
WAITS: Final = {"busy": 10, "no_answer": 180, "failed": 15, "canceled": 15, "voicemail": 180, "no_input": 60}


class TellingCarrier(CarrierClient):
    """A carrier with one call, whose story has got so far."""

    def __init__(self, sid: str, story: Sequence[Report]) -> None:
        self._sid, self._story, self.moment = sid, story, 0

    def read(self, sid: str) -> CallSeen | None:
        return self._see() if sid == self._sid else None

    def find(
        self, *, to: str, from_number: str, since: datetime, at: datetime | None = None
    ) -> list[CallSeen]:
        del since, at
        return [self._see(to, from_number)]

    def end(self, sid: str, status: EndStatus) -> CallSeen | None:
        raise AssertionError(f"nobody asked for {status} of {sid}")

    def _see(self, to: str = "", from_number: str = "") -> CallSeen:
        now = self._story[self.moment]
        return CallSeen(self._sid, now.shows, to, from_number, answered_by=now.answered_by)


@dataclass
class Scene:
    """One call, and what has happened to it. A step is the number of a report, or what the product does."""

    story: Sequence[Report]
    call: Call
    sid: str
    carrier: TellingCarrier
    clock: datetime
    inbox: set[int] = field(default_factory=set)
    applied: set[int] = field(default_factory=set)
    was_called_again: bool = False
    ended_at: datetime | None = None
    rank: int = 0

    @classmethod
    def begin(cls, story: Sequence[Report]) -> "Scene":
        contact = {f"verification__lead__{name}": value for name, value in person(phone=phone()).items()}
        call = Call.objects.get(pk=CallFactory(**contact).pk)
        sid = f"CA{uuid4().hex}"
        assert call.dialed_at is not None
        return cls(story, call, sid, TellingCarrier(sid, story), call.dialed_at)

    @property
    def last(self) -> int:
        return len(self.story) - 1

    def run(self, steps: Sequence[Any]) -> None:
        for step in steps:
            self.clock += timedelta(seconds=1)
            if isinstance(step, int):
                self.report(step % len(self.story))
            elif step == "apply":
                apply_new(limit=10)
                self.note_applied()
            elif step == "answer":
                with transaction.atomic():
                    bind_and_tell(lock_call(self.call.pk).call, self.sid, at=self.clock)
            else:
                self.poll(step[1] % len(self.story))
            self.check_forward()

    def report(self, number: int) -> None:
        said = self.story[number]
        sequence = number if said.kind == "status" else -1
        notice = Notice(said.kind, self.sid, said.status, sequence, said.key, said.answered_by)
        assert store(notice, call_id=self.call.pk) == (number not in self.inbox)
        self.inbox.add(number)

    def poll(self, moment: int) -> None:
        self.carrier.moment = moment
        open_calls = Call.objects.filter(pk=self.call.pk, ended_at__isnull=True)
        if open_calls.update(next_check_at=self.clock):
            assert check_due(limit=1, get_carrier=lambda _: self.carrier, clock=lambda: self.clock) == 1
            self.note_applied(moment)

    def note_applied(self, *polled: int) -> None:
        self.applied |= self.inbox | {*polled}
        key_is_known = any(self.story[number].key in "129" for number in self.inbox if self.story[number].key)
        self.was_called_again |= self.last in self.applied and not key_is_known

    def check_forward(self) -> None:
        """It never goes back, and ends once."""
        row = Call.objects.get(pk=self.call.pk)
        rank = RANKS.index(row.state)
        assert rank >= self.rank, (row.state, self.rank)
        assert self.ended_at in (None, row.ended_at)
        self.rank, self.ended_at = rank, row.ended_at


def phone() -> str:
    return f"+1404{uuid4().int % 9_000_000 + 1_000_000}"


def check_end(scene: Scene, name: str) -> None:
    keys = [scene.story[number].key for number in scene.inbox if scene.story[number].key in ("1", "2", "9")]
    outcome = OUTCOMES[keys[0] if keys else name]
    call, lead = Call.objects.get(pk=scene.call.pk), Lead.objects.get(pk=scene.call.lead_id)
    verification = Verification.objects.get(pk=scene.call.verification_id)
    end = ENDS.get(outcome, "waiting")
    assert (call.state, call.outcome, call.next_check_at, call.carrier_sid) == (
        "ended",
        outcome,
        None,
        scene.sid,
    )
    assert (verification.state, lead.status, lead.locked_by) == (
        end,
        {"verified": "pending", "declined": "failed", "waiting": "gated"}[end],
        "",
    )
    if end == "waiting":
        assert call.ended_at is not None
        assert verification.due_at == call.ended_at + timedelta(minutes=WAITS[outcome])
    story = Counter(CallEvent.objects.filter(verification=verification).values_list("code", flat=True))
    assert story["ended"] == 1
    assert (story["verified"], story["declined"]) == (int(end == "verified"), int(end == "declined"))
    assert (story["again"], story["gave_up"]) == (int(scene.was_called_again), 0)
    assert story["key"] == bool(keys)
    assert Attempt.objects.filter(lead_id=lead.pk).count() == int(end == "declined")
    assert BlockedPhone.objects.filter(phone_hash=call.phone_hash).count() == int(outcome == "opted_out")
    results = CallNotice.objects.filter(call=call).values_list("result", flat=True)
    assert set(results) <= {"applied", "nothing_new"}
    assert len(results) == len(scene.inbox)


STEPS: Final = st.one_of(
    st.integers(0, 9),
    st.sampled_from(["apply", "answer"]),
    st.tuples(st.just("poll"), st.integers(0, 9)),
)


def check(chosen: tuple[str, str], steps: Sequence[Any]) -> None:
    name, key = chosen
    scene = Scene.begin(tell_story(name, key))
    scene.run([*steps, "apply", ("poll", scene.last)])
    check_end(scene, name)


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=st.sampled_from(STORIES), steps=st.lists(STEPS, max_size=16))
# The key waits in the inbox together with the end, or while a poll brings it.
@example(chosen=("human", "1"), steps=[6, 5, "apply"])
@example(chosen=("human", "2"), steps=[5, ("poll", 6)])
# The end first, then its key; the answer of the request last.
@example(chosen=("human", "9"), steps=[6, "apply", 5, "apply", "answer"])
@example(chosen=("busy", ""), steps=[2, 1, 0, "apply", 2, 1, 0, "apply", ("poll", 0)])
def test_any_order_gives_the_same_end(chosen: tuple[str, str], steps: list[Any]) -> None:
    check(chosen, steps)


def learn_the_last(known: Known, said: Said) -> Known:
    """The last message wins."""
    words = {"queued": "queued", "initiated": "queued", "ringing": "ringing", "in-progress": "in_progress"}
    state = words.get(said.status, "ended")
    end = said.status if state == "ended" else ""
    key = said.key if said.key in "129" else ""
    return replace(known, state=state, end=end, key=key, answered_by=said.answered_by)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "steps"),
    [
        (("busy", ""), [2, "apply", 1, "apply"]),
        (("human", "1"), [5, "apply", 0, "apply"]),
        (("human", "2"), [6, "apply", 5, "apply"]),
    ],
)
def test_control_without_order_of_states(
    monkeypatch: pytest.MonkeyPatch, chosen: tuple[str, str], steps: list[Any]
) -> None:
    check(chosen, steps)
    monkeypatch.setattr(hearing, "learn", learn_the_last)
    with pytest.raises((AssertionError, KeyError)):
        check(chosen, steps)
