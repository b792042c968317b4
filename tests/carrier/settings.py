"""Times and faults of the carrier. A fault's rate is its share of the calls or of the notices, from 0 to 1."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from tests.carrier.callees import CALLEES


class BadSettings(ValueError):
    """A name or a value that the carrier does not know."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`second_ms`: how long a second of a form or a script takes, such as of Timeout, TimeLimit and of a Gather."""

    seed: int = 1
    mix: Mapping[str, float] = field(default_factory=dict)
    # How long it takes in real time.
    second_ms: float = 1000
    setup_ms: float = 10  # from the start to ringing
    ring_ms: float = 50  # a call that rings for longer than Timeout is not answered
    amd_ms: float = 20
    say_ms: float = 10
    key_ms: float = 30
    # Requests to place a call. These place no call:
    throttle: float = 0  # 429, with Retry-After
    retry_after_seconds: float = 1
    fail_before: float = 0  # 503
    # These place it:
    fail_after: float = 0  # 500
    reset_after: float = 0  # the connection is cut
    late_answer: float = 0  # 201 after late_ms
    late_ms: float = 500
    # Notices.
    lose: float = 0
    double: float = 0
    delay: float = 0  # by up to delay_ms
    reorder: float = 0  # after the next notice of the call, or after delay_ms
    delay_ms: float = 500
    # The rest.
    queue_seconds: float = 86_400  # the longest queue: calls beyond it are refused
    recording_seconds: float = 1

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """Raises BadSettings."""
        for name, value in changes.items():
            _check(name, value)
        return replace(self, **changes)


NAMES: Final = frozenset(each.name for each in fields(Settings))
RATES: Final = frozenset(
    {"throttle", "fail_before", "fail_after", "reset_after", "late_answer", "lose", "double", "delay"}
    | {"reorder"}
)


def _check(name: str, value: Any) -> None:
    if name not in NAMES:
        raise BadSettings(f"no setting has the name {name!r}")
    if name == "mix":
        _check_mix(value)
    elif not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise BadSettings(f"{name} is not a number from 0")
    elif name in RATES and value > 1:
        raise BadSettings(f"{name} is a share from 0 to 1")


def _check_mix(value: Any) -> None:
    if not isinstance(value, dict):
        raise BadSettings("mix is not an object of weights")
    for name, weight in value.items():
        if name not in CALLEES or not isinstance(weight, int | float) or weight < 0:
            raise BadSettings(f"mix has no weight {name!r}: {weight!r}")
