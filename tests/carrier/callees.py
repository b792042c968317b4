"""Who is called, by name: what this person, machine or line does with a call. Pure."""

from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

HUMAN: Final = "human"
MACHINE: Final = "machine_start"


@dataclass(frozen=True, slots=True)
class Callee:
    """`ends`: how a call ends that is not answered. `keys`: pressed in turn, one for each question; `-` is none.

    `error`: the code with which the request to place a call is refused. `fault`: what happens to the answer of a
    request that placed the call. `is_silent`: every notice is lost. `is_stuck`: up until the limit, without a script.
    """

    answered_by: str = HUMAN
    ends: str = ""
    keys: str = ""
    error: int = 0
    fault: str = ""
    hangs_up: bool = False
    is_silent: bool = False
    is_stuck: bool = False
    is_manual: bool = False


CALLEES: Final[Mapping[str, Callee]] = {
    "confirms": Callee(keys="1"),
    "declines": Callee(keys="2"),
    "no-key": Callee(),
    "voicemail": Callee(answered_by=MACHINE),
    "busy": Callee(ends="busy"),
    "no-answer": Callee(ends="no-answer"),
    "failed": Callee(ends="failed"),
    "fax": Callee(answered_by="fax"),
    "opts-out": Callee(keys="9"),
    "hangs-up": Callee(hangs_up=True),
    "invalid": Callee(error=21211),
    "geo": Callee(error=21215),
    "concurrency": Callee(error=10004),
    "queue-full": Callee(error=22005),
    "throttled": Callee(error=20429),
    "not-placed": Callee(fault="fail_before"),
    "fails-after": Callee(keys="1", fault="fail_after"),
    "late": Callee(keys="1", fault="late_answer"),
    "reset-after": Callee(keys="1", fault="reset_after"),
    "wrong-key": Callee(keys="51"),
    "unknown-amd": Callee(answered_by="unknown", keys="1"),
    "garbage": Callee(keys="1", fault="garbage"),
    "no-sid": Callee(keys="1", fault="no_sid"),
    "cut-answer": Callee(keys="1", fault="cut_answer"),
    "stuck": Callee(is_stuck=True),
    "silent": Callee(keys="1", is_silent=True),
    "manual": Callee(is_manual=True),
    "unread": Callee(keys="1", fault="unread"),
    "slow-key": Callee(keys="-1"),
}
# The last two digits of the number.
BY_DIGITS: Final[Mapping[str, str]] = {
    "01": "confirms",
    "02": "declines",
    "03": "no-key",
    "04": "voicemail",
    "05": "busy",
    "06": "no-answer",
    "07": "failed",
    "08": "fax",
    "09": "opts-out",
    "10": "hangs-up",
    "11": "invalid",
    "12": "geo",
    "13": "concurrency",
    "14": "queue-full",
    "15": "throttled",
    "16": "not-placed",
    "17": "fails-after",
    "18": "late",
    "19": "reset-after",
    "20": "wrong-key",
    "21": "unknown-amd",
    "22": "garbage",
    "23": "no-sid",
    "24": "cut-answer",
    "25": "stuck",
    "26": "silent",
    "27": "manual",
    "28": "unread",
    "29": "slow-key",
}
USUAL: Final = "confirms"


def choose(number: str, *, mix: Mapping[str, float], seed: int) -> str:
    """Return the name of this number's callee: by the weights if there are some, else by the last two digits."""
    if not mix:
        return BY_DIGITS.get(number[-2:], USUAL)
    random = Random(crc32(f"{seed}:{number}".encode()))
    return random.choices(list(mix), weights=list(mix.values()))[0]
