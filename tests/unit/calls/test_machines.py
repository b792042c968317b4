"""What counts as a machine, also in words of the carrier that are new: its call is hung up, and its outcome says so."""

import pytest

from distribution.calls.notices import Notice
from distribution.calls.states import Known, Said, learn
from distribution.calls.talking import answer_call
from distribution.calls.twiml import HANG_UP
from distribution.models import Call
from tracing.call_events import is_machine

MACHINES = (
    "machine_start",
    "machine_end_beep",
    "machine_end_silence",
    "machine_end_other",
    "fax",
    "machine_new",
)


@pytest.mark.parametrize("word", MACHINES)
def test_machine_is_hung_up_and_its_call_is_voicemail(word: str) -> None:
    assert is_machine(word)
    assert answer_call(Call(), Notice("script", "CA1", answered_by=word)) == HANG_UP
    known = learn(
        learn(Known(), Said("in-progress", answered_by=word)), Said("completed", answered_by="human")
    )
    assert (known.answered_by, known.outcome) == (word, "voicemail")


@pytest.mark.parametrize("word", ["human", "unknown", ""])
def test_person_who_presses_nothing_gave_no_input(word: str) -> None:
    assert not is_machine(word)
    assert learn(Known(), Said("completed", answered_by=word)).outcome == "no_input"
