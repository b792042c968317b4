"""Decides what an answered call performs: the question, thanks for a key, or its end."""

from typing import Final

from distribution.calls.addresses import make_address
from distribution.calls.notices import Notice
from distribution.calls.settling import read_policy
from distribution.calls.states import OUTCOME_OF_KEY
from distribution.calls.twiml import HANG_UP, NOT_A_KEY, write_question, write_thanks
from distribution.models import Call, CallKind
from tracing.call_events import is_machine

TEST_SCRIPT: Final = "This is a test call of {workspace}. Press 1 to end the test."


def answer_call(call: Call, notice: Notice) -> str:
    """What the carrier performs once the call is answered."""
    if is_machine(notice.answered_by) or _should_end(call, notice):
        return HANG_UP
    return _play_question(call)


def answer_key(call: Call, notice: Notice) -> str:
    if _should_end(call, notice):
        return HANG_UP
    return (
        write_thanks(notice.key) if notice.key in OUTCOME_OF_KEY else _play_question(call, before=NOT_A_KEY)
    )


def _should_end(call: Call, notice: Notice) -> bool:
    """Our side is done with it, or it is a second call for the same request."""
    is_second = call.carrier_sid is not None and call.carrier_sid != notice.carrier_sid
    return is_second or call.hang_up_at is not None or call.ended_at is not None


def _play_question(call: Call, *, before: str = "") -> str:
    text = _read_script(call).replace("{workspace}", call.workspace.name)
    return write_question(text, keys_url=make_address(call.public_id, "keys"), before=before)


def _read_script(call: Call) -> str:
    if call.kind == CallKind.TEST or call.verification is None:
        return TEST_SCRIPT
    return read_policy(call.verification.campaign_id).script
