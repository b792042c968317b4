"""Accounts at the carrier, and the errors that it answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from tests.carrier.settings import BadSettings

SIGNS: Final = ("sha1", "sha256", "mixed")
# What the carrier says: the status and the message. It quotes the number, as Twilio does.
ERRORS: Final[Mapping[int, tuple[int, str]]] = {
    10004: (429, "Call concurrency limit exceeded"),
    20001: (400, "Unknown parameter {value}"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {value} was not found"),
    20429: (429, "Too many requests"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL: {value}"),
    21210: (400, "The source phone number provided, {value}, is not yet verified for your account."),
    21211: (400, "The phone number you are attempting to call, {value}, is not valid."),
    21212: (400, "The source phone number {value} is not valid."),
    21213: (400, "No 'From' number is specified"),
    21215: (
        400,
        "Account not authorized to call {value}. Perhaps you need to enable some international permissions.",
    ),
    21217: (400, "The phone number {value} does not appear to be valid."),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    22005: (400, "Account has too many calls in its queue"),
}


class Refused(Exception):
    """The carrier answers with this error."""

    def __init__(self, code: int, value: str = "") -> None:
        self.code = code
        status, message = ERRORS.get(code, (400, "Error"))
        self.status = status
        self.message = message.format(value=value)
        super().__init__(self.message)


@dataclass
class Account:
    """`calls_per_second`: calls beyond it wait in a queue. `most_calls`: at once; 0 is no limit."""

    sid: str
    token: str
    signing_key: str = ""
    calls_per_second: float = 1000
    most_calls: int = 0
    signs: str = "sha1"
    next_start: float = 0
    live: set[str] = field(default_factory=set)

    @classmethod
    def parse(cls, text: str) -> "Account":
        """SID:TOKEN, or SID:TOKEN:SIGNING_KEY."""
        sid, token, *keys = text.split(":")
        return cls(sid, token, "".join(keys))

    def change(self, changes: Mapping[str, Any]) -> None:
        """Raises BadSettings."""
        for name, value in changes.items():
            if name not in CHANGEABLE or not isinstance(value, CHANGEABLE[name]):
                raise BadSettings(f"an account has no {name!r}: {value!r}")
        if changes.get("signs", "sha1") not in SIGNS:
            raise BadSettings(f"an account signs with one of {', '.join(SIGNS)}")
        if changes.get("calls_per_second", 1) <= 0:
            raise BadSettings("calls_per_second is above 0")
        for name, value in changes.items():
            setattr(self, name, value)

    def take_start(self, now: float) -> float:
        """Return when the next call starts, and keep this time for it."""
        start = max(now, self.next_start)
        self.next_start = start + 1 / self.calls_per_second
        return start


CHANGEABLE: Final[Mapping[str, type | tuple[type, ...]]] = {
    "token": str,
    "signing_key": str,
    "calls_per_second": (int, float),
    "most_calls": int,
    "signs": str,
}
assert CHANGEABLE.keys() <= {each.name for each in fields(Account)}
