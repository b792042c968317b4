"""What follows a call: the lead is verified, called again, or not called any more. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from distribution.models import CallPolicy


class Follow(StrEnum):
    VERIFIED = "verified"
    DECLINED = "declined"
    AGAIN = "again"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Following:
    """`due_at`: of another call. `reason`: why there is none; an outcome, or a reason to wait."""

    follow: Follow
    due_at: datetime | None = None
    reason: str = ""


def follow(outcome: str, *, policy: CallPolicy, counts: Mapping[str, int], at: datetime) -> Following:
    """`counts`: how many calls of the verification ended with each outcome, with this one."""
    if outcome == "confirmed":
        return Following(Follow.VERIFIED)
    if outcome in ("declined", "opted_out"):
        return Following(Follow.DECLINED, reason=outcome)
    wait = policy.find_wait(outcome)
    if wait is None:
        return Following(Follow.GIVE_UP, reason=outcome)
    pause, most = wait
    if counts.get(outcome, 0) >= most or sum(counts.values()) >= policy.max_calls:
        return Following(Follow.GIVE_UP, reason=outcome)
    return Following(Follow.AGAIN, due_at=at + pause)
