"""Reports, polls and the answer of one request: any subset, number and order gives one end, and frees the line once.

The answer may say that the call was placed, that it may have been, or that it was not. The carrier may place the
request twice, and report that call too. The oracle knows what the carrier's call came to and which reports arrived. It
shares no code with the product.
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
from distribution.calls.carrier import CallSeen, CarrierClient, Dialed, DialOutcome, EndStatus, Problem
from distribution.calls.checking import check_due
from distribution.calls.dial_outcomes import write_dial_outcome
from distribution.calls.inbox import store
from distribution.calls.locks import count_lines
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

# Each request has one answer. It may be written again, because its writer tries again.
ANSWERS: Final = {
    "placed": Dialed(DialOutcome.PLACED),
    "unknown": Dialed(DialOutcome.UNKNOWN, problem=Problem.NO_ANSWER),
    "not_placed": Dialed(DialOutcome.NOT_PLACED, problem=Problem.REFUSED),
}
NOT_PLACED_PAUSE: Final = timedelta(seconds=30)


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
    answer: str
    call: Call
    sid: str
    carrier: TellingCarrier
    clock: datetime
    inbox: set[int] = field(default_factory=set)
    applied: set[int] = field(default_factory=set)
    # Reports of the carrier's second call for the request.
    others: set[int] = field(default_factory=set)
    other_sid: str = field(default_factory=lambda: f"CA{uuid4().hex}")
    is_answered: bool = False
    # Not placed, said the carrier, and nothing was known of the call.
    is_given_up: bool = False
    was_called_again: bool = False
    ended_at: datetime | None = None
    rank: int = 0

    @classmethod
    def begin(cls, story: Sequence[Report], answer: str) -> "Scene":
        contact = {f"verification__lead__{name}": value for name, value in person(phone=phone()).items()}
        call = Call.objects.get(pk=CallFactory(**contact).pk)
        sid = f"CA{uuid4().hex}"
        assert call.dialed_at is not None
        return cls(story, answer, call, sid, TellingCarrier(sid, story), call.dialed_at)

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
                self.write_answer()
            elif step[0] == "second":
                self.report_second(step[1] % len(self.story))
            else:
                self.poll(step[1] % len(self.story))
            self.check_forward()

    def report(self, number: int) -> None:
        said = self.story[number]
        sequence = number if said.kind == "status" else -1
        notice = Notice(said.kind, self.sid, said.status, sequence, said.key, said.answered_by)
        assert store(notice, call_id=self.call.pk) == (number not in self.inbox)
        self.inbox.add(number)

    def write_answer(self) -> None:
        """As the dialer does after the request, however late."""
        dialed = replace(ANSWERS[self.answer], sid=self.sid if self.answer == "placed" else "")
        self.is_given_up |= self.answer == "not_placed" and not self.applied
        with transaction.atomic():
            write_dial_outcome(self.call.pk, dialed, dialed_at=self.call.created_at, at=self.clock)
        self.is_answered = True

    def report_second(self, number: int) -> None:
        """The id that comes first is that of the call, so this one comes later."""
        said = self.story[number]
        is_first_known = self.inbox or self.applied or (self.is_answered and self.answer == "placed")
        if said.kind == "status" and is_first_known:
            is_new = store(Notice("status", self.other_sid, said.status, number), call_id=self.call.pk)
            assert is_new == (number not in self.others)
            self.others.add(number)

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
    outcome = find_outcome(scene, name, keys)
    call, lead = Call.objects.get(pk=scene.call.pk), Lead.objects.get(pk=scene.call.lead_id)
    verification = Verification.objects.get(pk=scene.call.verification_id)
    end = ENDS.get(outcome, "waiting")
    assert (call.state, call.outcome, call.next_check_at, call.carrier_sid) == (
        "ended",
        outcome,
        None,
        scene.sid if scene.inbox or not scene.is_given_up else None,
    )
    assert count_lines(call.channel_id) == 0
    if not scene.is_given_up:
        assert call.dial == ("placed" if scene.is_answered else "")
    assert (verification.state, lead.status, lead.locked_by) == (
        end,
        {"verified": "pending", "declined": "failed", "waiting": "gated"}[end],
        "",
    )
    if end == "waiting":
        assert call.ended_at is not None
        pause = NOT_PLACED_PAUSE if scene.is_given_up else timedelta(minutes=WAITS[outcome])
        assert verification.due_at == call.ended_at + pause
    story = Counter(CallEvent.objects.filter(verification=verification).values_list("code", flat=True))
    assert (story["ended"], story["not_placed"]) == (int(not scene.is_given_up), int(scene.is_given_up))
    assert story["second_call"] == int(bool(scene.others or (scene.is_given_up and scene.inbox)))
    assert (story["verified"], story["declined"]) == (int(end == "verified"), int(end == "declined"))
    assert (story["again"], story["gave_up"]) == (int(scene.was_called_again and not scene.is_given_up), 0)
    assert story["key"] == bool(keys)
    assert Attempt.objects.filter(lead_id=lead.pk).count() == int(end == "declined")
    assert BlockedPhone.objects.filter(phone_hash=call.phone_hash).count() == int(outcome == "opted_out")
    check_results(scene)


def find_outcome(scene: Scene, name: str, keys: Sequence[str]) -> str:
    """A call that was given up and then reported has the outcome that its reports tell, as far as they came."""
    if keys or not scene.is_given_up:
        return OUTCOMES[keys[0] if keys else name]
    heard = [scene.story[number] for number in scene.inbox]
    if any(said.answered_by == MACHINE for said in heard):
        return "voicemail"
    if any(said.answered_by for said in heard):
        return "no_input"
    return OUTCOMES[name] if scene.last in scene.inbox else "not_placed"


def check_results(scene: Scene) -> None:
    notices = CallNotice.objects.filter(call_id=scene.call.pk)
    results = notices.filter(carrier_sid=scene.sid).values_list("result", flat=True)
    assert set(results) <= {"applied", "nothing_new", *(["hang_up"] if scene.is_given_up else [])}
    assert len(results) == len(scene.inbox)
    seconds = notices.filter(carrier_sid=scene.other_sid).values_list("result", flat=True)
    assert list(seconds) == ["hang_up"] * len(scene.others)


STEPS: Final = st.one_of(
    st.integers(0, 9),
    st.sampled_from(["apply", "answer"]),
    st.tuples(st.sampled_from(["poll", "second"]), st.integers(0, 9)),
)


def check(chosen: tuple[str, str], steps: Sequence[Any], *, answer: str = "placed") -> None:
    name, key = chosen
    scene = Scene.begin(tell_story(name, key), answer)
    scene.run([*steps, "apply", ("poll", scene.last)])
    check_end(scene, name)


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    chosen=st.sampled_from(STORIES),
    answer=st.sampled_from(sorted(ANSWERS)),
    steps=st.lists(STEPS, max_size=16),
)
# The key waits in the inbox together with the end, or while a poll brings it.
@example(chosen=("human", "1"), answer="placed", steps=[6, 5, "apply"])
@example(chosen=("human", "2"), answer="placed", steps=[5, ("poll", 6)])
# The end first, then its key; the answer of the request last.
@example(chosen=("human", "9"), answer="placed", steps=[6, "apply", 5, "apply", "answer"])
# Whether it was placed is not known until a poll or a report tells.
@example(chosen=("human", "1"), answer="unknown", steps=["answer", ("poll", 1), "answer"])
@example(chosen=("no-answer", ""), answer="unknown", steps=[2, "answer", "apply", "answer"])
# It was given up, and then it comes.
@example(chosen=("human", "1"), answer="not_placed", steps=["answer", 0, 3, "apply", 5, "apply"])
@example(chosen=("busy", ""), answer="not_placed", steps=[2, "answer", "apply"])
@example(chosen=("busy", ""), answer="not_placed", steps=[0, "apply", "answer", "answer"])
# The carrier placed it twice.
@example(chosen=("human", "2"), answer="placed", steps=["answer", ("second", 1), ("second", 6), "apply", 5])
@example(chosen=("busy", ""), answer="placed", steps=[2, 1, 0, "apply", 2, 1, 0, "apply", ("poll", 0)])
def test_any_order_gives_the_same_end(chosen: tuple[str, str], answer: str, steps: list[Any]) -> None:
    check(chosen, steps, answer=answer)


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
