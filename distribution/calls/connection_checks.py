"""Asks a carrier whether an account can be used. Places no call. Must run outside a transaction."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from distribution.calls.carrier import CarrierUnavailable, Problem
from distribution.calls.carriers import get_carrier
from distribution.models import CarrierAccount
from tracing.wording import duration

ACTIVE: Final = "active"
TRIAL: Final = "Trial"
NO_ACCOUNT: Final = "The carrier has no such account. Check the account SID."
TRIAL_NOTE: Final = " It is a trial account, which calls only phones that you verified at the carrier."
SENTENCES: Final[Mapping[Problem, str]] = MappingProxyType(
    {
        Problem.ACCOUNT_REFUSED: "The carrier refused the account SID or the token, or the account is suspended.",
        Problem.BAD_SETTINGS: "The API address cannot be used. Check it: it begins with https:// and has no path.",
        Problem.UNREACHABLE: "The carrier could not be reached at this API address.",
        Problem.NO_ANSWER: "The carrier did not answer in time.",
        Problem.CARRIER_FAILED: "The carrier reports an error of its own. Try again later.",
        Problem.BAD_ANSWER: "What answered at this API address is no carrier with the API of Twilio.",
        Problem.THROTTLED: "The carrier got too many requests. Try again in a moment.",
    }
)
OTHER: Final = "The carrier refused the question."


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """`sentence`: what to show, with what to do if it does not work."""

    works: bool
    sentence: str


def check_connection(account: CarrierAccount) -> ConnectionCheck:
    started = time.perf_counter()
    try:
        seen = get_carrier(account).read_account()
    except CarrierUnavailable as unavailable:
        code = f" (code {unavailable.code})" if unavailable.code else ""
        return ConnectionCheck(works=False, sentence=f"{SENTENCES.get(unavailable.problem, OTHER)}{code}")
    took = duration((time.perf_counter() - started) * 1000)
    if seen is None:
        return ConnectionCheck(works=False, sentence=NO_ACCOUNT)
    if seen.status != ACTIVE:
        status = f"is {seen.status}" if seen.status else "has no status"
        return ConnectionCheck(works=False, sentence=f"The carrier answered in {took}: the account {status}.")
    note = TRIAL_NOTE if seen.kind == TRIAL else ""
    return ConnectionCheck(
        works=True, sentence=f"The carrier answered in {took}: the account is active.{note}"
    )
