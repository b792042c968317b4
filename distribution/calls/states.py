"""What is known of a call, whatever order its reports come in. Pure.

Each report adds to what is known and never takes anything away: the state is the furthest that was heard of, the key
is the one that protects the person most, and of two words for the end the same one always counts. So any order and
number of the same reports give the same call.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from tracing.call_events import is_machine

RANKS: Final = MappingProxyType(
    {
        name: rank
        for rank, name in enumerate(("created", "dialing", "queued", "ringing", "in_progress", "ended"))
    }
)
# The carrier's words for the state of a call. Twilio calls a call initiated that has left its queue.
STATES: Final = MappingProxyType(
    {
        "queued": "queued",
        "initiated": "queued",
        "ringing": "ringing",
        "in-progress": "in_progress",
        "answered": "in_progress",
        "completed": "ended",
        "busy": "ended",
        "no-answer": "ended",
        "failed": "ended",
        "canceled": "ended",
    }
)
# What an answered call came to, by its key.
OUTCOME_OF_KEY: Final = MappingProxyType({"1": "confirmed", "2": "declined", "9": "opted_out"})
# The person does not want it. Such a key counts in whatever call it was pressed.
NO: Final = frozenset({"2", "9"})
# A key that decides more for the person comes first.
_PROTECTION: Final = ("", "1", "2", "9")
_OUTCOMES: Final = MappingProxyType(
    {"busy": "busy", "no-answer": "no_answer", "failed": "failed", "canceled": "canceled"}
)
# A carrier tells one end. Should it tell two, the one that says more counts.
_ENDS: Final = ("", "canceled", "failed", "no-answer", "busy", "completed")
# Who ended a call that its carrier does not report.
BY_HAND: Final = "hand"


@dataclass(frozen=True, slots=True)
class Known:
    """`state`: the furthest. `end`: the carrier's word for it, "" before."""

    state: str = "created"
    end: str = ""
    key: str = ""
    answered_by: str = ""
    duration_seconds: int | None = None

    @property
    def is_ended(self) -> bool:
        return self.state == "ended"

    @property
    def outcome(self) -> str:
        """What the call came to. "": it may still go either way. A key decides before the call has ended."""
        if self.key:
            return OUTCOME_OF_KEY[self.key]
        if not self.is_ended:
            return ""
        if self.end in _OUTCOMES:
            return _OUTCOMES[self.end]
        return "voicemail" if is_machine(self.answered_by) else "no_input"


@dataclass(frozen=True, slots=True)
class Said:
    """One report: a notice, or the answer to a check. `status`: the carrier's word, "" if it has none."""

    status: str = ""
    key: str = ""
    answered_by: str = ""
    duration_seconds: int | None = None


def learn(known: Known, said: Said) -> Known:
    """Add one report to what is known. A word of the carrier that has no meaning here adds nothing."""
    state = STATES.get(said.status, known.state)
    if said.key or said.answered_by:
        state = _further(state, "in_progress")
    return replace(
        known,
        state=_further(known.state, state),
        end=max(known.end, said.status if said.status in _ENDS else "", key=_ENDS.index),
        key=_more_protective(known.key, said.key if said.key in OUTCOME_OF_KEY else ""),
        answered_by=max(known.answered_by, said.answered_by, key=_by_certainty),
        duration_seconds=_longer(known.duration_seconds, said.duration_seconds),
    )


def _by_certainty(answered_by: str) -> tuple[bool, str]:
    return is_machine(answered_by), answered_by


def _further(one: str, other: str) -> str:
    return max(one, other, key=RANKS.__getitem__)


def _more_protective(one: str, other: str) -> str:
    return max(one, other, key=_PROTECTION.index)


def _longer(one: int | None, other: int | None) -> int | None:
    given = [each for each in (one, other) if each is not None]
    return max(given, default=None)
